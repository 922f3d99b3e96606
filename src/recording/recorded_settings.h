/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that the recording of one of our own traces has decided for good: which samples are in
 * it, and where its windows end. A replay repeats both; that it may be asked for something else is
 * checked here.
 */
#ifndef RTS_RECORDING_RECORDED_SETTINGS_H
#define RTS_RECORDING_RECORDED_SETTINGS_H

#include "facts/account.h"
#include "settings/settings.h"

/* What the run was recorded with. */
struct rts_recorded_settings {
    bool known; /* traces before these were noted do not say */
    struct rts_guard_facts guard;
    uint32_t flush_interval_ms;
};

/* Takes an attribute of the note RUN; others are passed by. */
void rts_recorded_settings_take(struct rts_recorded_settings *recorded, const char *key,
                                uint64_t value);

/* RTS_USAGE when a setting was given, with a value that the recorded one does not fulfil.
 * `config_sha256` is the digest of all settings of that run, which is enough where it is that of
 * ours; NULL: unknown. */
int rts_recorded_settings_check(const struct rts_recorded_settings *recorded,
                                const char *config_sha256, const struct rts_settings *settings,
                                struct rts_error *error);

#endif
