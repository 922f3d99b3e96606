/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all settings: the settings file, the environment, the command line and the canonical
 * form go by it, and the manual rtsample.json(5) describes each of its keys.
 */
#ifndef RTS_SETTINGS_SETTINGS_KEYS_H
#define RTS_SETTINGS_SETTINGS_KEYS_H

#include "settings/settings.h"

/* Room for any path of the table. */
#define RTS_SETTING_PATH_SIZE 64

enum rts_setting_type {
    RTS_SETTING_BOOLEAN,  /* bool */
    RTS_SETTING_NUMBER,   /* uint32_t */
    RTS_SETTING_NUMBER64, /* uint64_t */
    RTS_SETTING_CHOICE,   /* unsigned, an index into `choices` */
    RTS_SETTING_TEXT,     /* char *, owned */
    RTS_SETTING_LIST,     /* struct rts_list_setting, of host names */
    RTS_SETTING_HEADERS,  /* struct rts_header_settings */
};

struct rts_setting {
    const char *path; /* "Section:Name" */
    enum rts_setting_type type;
    size_t offset;              /* in struct rts_settings */
    uint64_t minimum, maximum;  /* of numbers */
    bool zero_too;              /* of numbers: 0 is allowed below the minimum */
    uint32_t step;              /* of numbers: rounded up to a multiple; 0: as it is */
    const char *const *choices; /* NULL-terminated */
    bool local;                 /* belongs to this machine: not in the canonical form */
};

/* The table, sorted by path. */
const struct rts_setting *rts_setting_table(size_t *count);

/* The setting of this path, regardless of case; NULL: there is none. */
const struct rts_setting *rts_setting_find(const char *path);

/* When `path` lies within a setting that is a map or a list ("Ingest:Headers:X-A"): that setting,
 * and what follows its path. NULL otherwise. */
const struct rts_setting *rts_setting_find_member(const char *path, const char **member);

/* Is there a setting below this path? */
bool rts_setting_is_section(const char *path);

/* The path of the known setting that looks most like this one; for a path without a colon it may
 * also be a section. */
void rts_setting_nearest(const char *path, char nearest[RTS_SETTING_PATH_SIZE]);

/*
 * Each sets one value of the current layer. `where` is what a message begins with: the source and
 * the name in it. RTS_USAGE when the value is not one for this setting; the values of headers are
 * never repeated in messages.
 */
int rts_setting_set_boolean(struct rts_settings *settings, const struct rts_setting *setting,
                            bool value);
int rts_setting_set_number(struct rts_settings *settings, const struct rts_setting *setting,
                           uint64_t number, const char *where, struct rts_error *error);
int rts_setting_set_header(struct rts_settings *settings, const struct rts_setting *setting,
                           const char *name, const char *value, const char *where,
                           struct rts_error *error);

/* Appends to a list; the first time in a layer it replaces what earlier layers gave. */
int rts_setting_add_item(struct rts_settings *settings, const struct rts_setting *setting,
                         const char *item, const char *where, struct rts_error *error);

/* From text, for every type: "true", "500", a word, "a,b" for a list, "Name: value" for a header.
 */
int rts_setting_set_text(struct rts_settings *settings, const struct rts_setting *setting,
                         const char *text, const char *where, struct rts_error *error);

/* Has the current layer given this one already? */
bool rts_setting_is_given(const struct rts_settings *settings, const struct rts_setting *setting);

/* Has the current layer given a header of this name, in any case? */
bool rts_setting_has_header(const struct rts_settings *settings, const struct rts_setting *setting,
                            const char *name);

/* RTS_USAGE for what is not in the table, with the nearest setting spelled as its source would:
 * `separator` between the parts. */
int rts_setting_fail_unknown(const char *where, const char *path, const char *separator,
                             struct rts_error *error);

/* The field of a setting. */
void *rts_setting_field(struct rts_settings *settings, const struct rts_setting *setting);
const void *rts_setting_field_const(const struct rts_settings *settings,
                                    const struct rts_setting *setting);

#endif
