/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <stddef.h>

#include "settings/settings_options.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/nearest.h"

const char *rts_command_like(const char *word)
{
#define NAME(command) #command,
    static const char *const names[] = {RTS_COMMANDS(NAME)};
#undef NAME
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rts_word_resembles(word, names[i]))
            return names[i];
    return NULL;
}

int rts_command_run(int argc, char **argv, const struct option *own, rts_command_function *run)
{
    struct rts_settings settings;
    struct rts_error error;
    RTS_FREE struct option *options = rts_settings_long_options(own);
    rts_settings_init(&settings);
    int result = run(argc, argv, options, &settings, &error);
    if (result < 0)
        rts_log("%s", error.text);
    rts_settings_finish(&settings);
    return result < 0 ? (int)error.failure : 0;
}
