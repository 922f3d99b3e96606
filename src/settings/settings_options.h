/* SPDX-License-Identifier: Apache-2.0 */
/* The layer of the command line: the options that sampling and sending share, by the table of
 * settings_keys.c. */
#ifndef RTS_SETTINGS_SETTINGS_OPTIONS_H
#define RTS_SETTINGS_SETTINGS_OPTIONS_H

#include <getopt.h>

#include "settings/settings.h"

/* getopt_long() codes below this are the command's own. */
#define RTS_OPTION_FIRST 512

/* Appends the shared options to the command's own, which end with a zero entry as the result does.
 * The caller frees it. */
struct option *rts_settings_long_options(const struct option *own);

/* Sets what the option of this code stands for. RTS_USAGE when the value does not do. */
int rts_settings_apply_option(struct rts_settings *settings, int code, const char *value,
                              struct rts_error *error);

/* Sets a setting by its path on behalf of a command's own option, which messages call `name`. */
int rts_settings_apply(struct rts_settings *settings, const char *path, const char *name,
                       const char *value, struct rts_error *error);

/* --emit: a list of what is opted in to. */
int rts_settings_apply_emit(struct rts_settings *settings, const char *list,
                            struct rts_error *error);

/* What must be known before the settings of the command line can lie over those of the file. */
struct rts_first_look {
    const char *config; /* NULL: no -c */
    bool help, version;
};

/* Runs through the arguments once for that, without complaining. getopt begins anew afterwards. */
void rts_settings_look_ahead(int argc, char **argv, const char *short_options,
                             const struct option *long_options, struct rts_first_look *look);

#endif
