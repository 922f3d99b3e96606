/* SPDX-License-Identifier: Apache-2.0 */
/* --metrics: the account at each flush, for collectors. */
#ifndef RTS_OUTLETS_METRICS_FILE_H
#define RTS_OUTLETS_METRICS_FILE_H

#include "facts/metrics.h"
#include "util/error.h"

/* Replaces the file. */
int rts_metrics_file_write(const char *path, const struct rts_account *account,
                           const struct rts_metrics_facts *facts, struct rts_error *error);

#endif
