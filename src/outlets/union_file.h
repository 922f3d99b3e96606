/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole run has seen, as a union bundle (--union). */
#ifndef RTS_OUTLETS_UNION_FILE_H
#define RTS_OUTLETS_UNION_FILE_H

#include "facts/observed_graph.h"
#include "settings/settings.h"

/* Writes it where the settings say. `config_sha256`: of the settings that the run had, where they
 * are not these; NULL: they are. */
int rts_union_file_write(const struct rts_observed_graph *observed,
                         const struct rts_settings *settings, const char *config_sha256,
                         struct rts_error *error);

#endif
