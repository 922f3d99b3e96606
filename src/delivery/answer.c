/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/answer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/memory.h"

/* The verdicts on what is no 2xx; the first row that holds the status counts. */
static const struct {
    long from, to;
    enum rts_verdict verdict;
    const char *words;
} rows[] = {
    {300, 399, RTS_VERDICT_HELP, "redirects are not followed: correct the address"},
    {401, 401, RTS_VERDICT_HELP, "not authorized: check the token"},
    {403, 403, RTS_VERDICT_HELP, "forbidden: check the token and its scope"},
    {407, 407, RTS_VERDICT_HELP, "a proxy is in the way"},
    {408, 408, RTS_VERDICT_LATER, "the server waited too long for the request"},
    {413, 413, RTS_VERDICT_TOO_BIG, "too large for the server"},
    {425, 425, RTS_VERDICT_LATER, "too early"},
    {429, 429, RTS_VERDICT_LATER, "too many requests"},
    {400, 499, RTS_VERDICT_REFUSED, "refused"},
    {500, 599, RTS_VERDICT_LATER, "the server failed"},
};

void rts_answer_append(char *line, size_t line_size, const char *text)
{
    size_t length = strlen(line);
    for (; *text && length + 1 < line_size; text++)
        line[length++] = *text;
    /* Nothing of a character that did not fit. */
    if (*text && ((unsigned char)*text & 0xC0) == 0x80) {
        while (length > 0 && ((unsigned char)line[length - 1] & 0xC0) == 0x80)
            length--;
        if (length > 0)
            length--;
    }
    line[length] = '\0';
}

static json_t *find_any_case(const json_t *object, const char *wanted)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (strcasecmp(key, wanted) == 0)
            return value;
    }
    return NULL;
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(find_any_case(object, key));
    return text && *text ? text : NULL;
}

/* Appends ": <first>" and, if there is one, ": <second>". */
static void append_words(struct rts_answer *answer, const char *first, const char *second)
{
    const char *words[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        if (!words[i])
            continue;
        rts_answer_append(answer->text, sizeof answer->text, ": ");
        rts_answer_append(answer->text, sizeof answer->text, words[i]);
    }
}

static void quote_error(struct rts_answer *answer, const json_t *body)
{
    const json_t *error = find_any_case(body, "error");
    if (json_is_string(error))
        append_words(answer, json_string_value(error), NULL);
    else if (json_is_object(error))
        append_words(answer, string_of(error, "code"), string_of(error, "message"));
    else
        append_words(answer, string_of(body, "title"), string_of(body, "detail"));
}

static bool holds(const char *body, size_t size, const char *words)
{
    return memmem(body, size, words, strlen(words)) != NULL;
}

static void judge_success(struct rts_answer *answer, long status)
{
    if (status == 202 || answer->subject_key) {
        answer->verdict = RTS_VERDICT_ACCEPTED;
        return;
    }
    /* A page of something that is not Signals also comes with 200: nothing may be lost to it. */
    answer->verdict = RTS_VERDICT_HELP;
    snprintf(answer->text, sizeof answer->text,
             "status %ld is not the 202 of a Signals server: correct the address", status);
}

static void judge_failure(struct rts_answer *answer, long status, const char *body, size_t size)
{
    const char *words = "an unexpected answer";
    answer->verdict = RTS_VERDICT_HELP;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (status < rows[i].from || status > rows[i].to)
            continue;
        answer->verdict = rows[i].verdict;
        words = rows[i].words;
        break;
    }
    /* nginx says it this way when it wants a client certificate: the batch itself is all right. */
    if (status == 400 && size > 0 && holds(body, size, "SSL certificate")) {
        answer->verdict = RTS_VERDICT_HELP;
        words = "the server wants another client certificate";
    }
    snprintf(answer->text, sizeof answer->text, "status %ld, %s", status, words);
}

void rts_answer_judge(struct rts_answer *answer, long status, const char *body, size_t size)
{
    *answer = (struct rts_answer){.verdict = RTS_VERDICT_HELP};
    json_t *object = size ? json_loadb(body, size, 0, NULL) : NULL;
    if (status >= 200 && status < 300) {
        const char *key = object ? string_of(object, "SubjectKey") : NULL;
        answer->subject_key = key ? rts_strdup(key) : NULL;
        judge_success(answer, status);
    } else {
        judge_failure(answer, status, body, size);
        if (object)
            quote_error(answer, object);
    }
    json_decref(object);
}

void rts_answer_finish(struct rts_answer *answer)
{
    free(answer->subject_key);
    answer->subject_key = NULL;
}
