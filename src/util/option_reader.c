/* SPDX-License-Identifier: Apache-2.0 */
#include "util/option_reader.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/buffer.h"
#include "util/nearest.h"

#define SEE "(see rtsample --help)"

/* A longer word is not an option of anybody. */
#define WORD_SIZE 64

/* The name in "--name=value". */
static void take_name(const char *argument, char name[WORD_SIZE])
{
    size_t length = strcspn(argument + 2, "=");
    snprintf(name, WORD_SIZE, "%.*s", (int)(length < INT_MAX ? length : 0), argument + 2);
}

/* The long option that the word is taken for: by its code, as an option that is known. */
static const struct option *find_code(const struct option *options, int code)
{
    while (options->name && options->val != code)
        options++;
    return options->name ? options : NULL;
}

static const char *nearest(const struct option *options, const char *name)
{
    const char *best = NULL;
    unsigned shortest = UINT_MAX;
    for (; options->name; options++) {
        unsigned apart = rts_word_distance(name, options->name);
        if (apart < shortest && rts_word_resembles(name, options->name)) {
            shortest = apart;
            best = options->name;
        }
    }
    return best;
}

/* Appends the options that begin so; returns how many. */
static unsigned list_beginning(const struct option *options, const char *name,
                               struct rts_buffer *list)
{
    unsigned count = 0;
    for (; options->name; options++)
        if (strncmp(options->name, name, strlen(name)) == 0)
            rts_buffer_format(list, "%s--%s", count++ ? ", " : "", options->name);
    return count;
}

static void fail_unknown(const char *argument, const struct option *options,
                         struct rts_error *error)
{
    char name[WORD_SIZE];
    struct rts_buffer list = RTS_BUFFER_INIT;
    take_name(argument, name);
    const char *meant = nearest(options, name);
    if (list_beginning(options, name, &list) > 1)
        rts_fail(error, RTS_USAGE, "--%s may be any of %s", name, list.data);
    else if (meant)
        rts_fail(error, RTS_USAGE, "--%s is not an option; the nearest one is --%s " SEE, name,
                 meant);
    else
        rts_fail(error, RTS_USAGE, "--%s is not an option " SEE, name);
    rts_buffer_finish(&list);
}

static void fail(char **argv, const struct option *options, int result, struct rts_error *error)
{
    const char *argument = argv[optind - 1];
    const struct option *known = optopt ? find_code(options, optopt) : NULL;
    bool is_letter = optopt > 0 && optopt <= UCHAR_MAX;
    bool is_long = strncmp(argument, "--", 2) == 0;
    if (result == ':' && is_letter && !is_long)
        rts_fail(error, RTS_USAGE, "-%c takes a value " SEE, optopt);
    else if (result == ':' && known)
        rts_fail(error, RTS_USAGE, "--%s takes a value " SEE, known->name);
    else if (known && is_long)
        rts_fail(error, RTS_USAGE, "--%s takes no value " SEE, known->name);
    else if (is_letter)
        rts_fail(error, RTS_USAGE, "-%c is not an option " SEE, optopt);
    else
        fail_unknown(argument, options, error);
}

int rts_option_next(int argc, char **argv, const char *letters, const struct option *options,
                    struct rts_error *error)
{
    char all[WORD_SIZE];
    /* ":" tells a missing value from the rest; it stands behind "+". */
    bool in_order = letters[0] == '+';
    snprintf(all, sizeof all, "%s:%s", in_order ? "+" : "", letters + in_order);
    opterr = 0;
    int result = getopt_long(argc, argv, all, options, NULL);
    if (result != '?' && result != ':')
        return result;
    fail(argv, options, result, error);
    return RTS_OPTION_WRONG;
}
