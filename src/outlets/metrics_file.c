/* SPDX-License-Identifier: Apache-2.0 */
#include "outlets/metrics_file.h"

#include "util/file_replace.h"

int rts_metrics_file_write(const char *path, const struct rts_account *account,
                           const struct rts_metrics_facts *facts, struct rts_error *error)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_metrics_write(account, facts, &text);
    /* Metrics of before a crash are of no use after it, and samples must not wait for a disk. */
    int result = rts_file_replace(path, text.data, text.size, 0644, RTS_ATOMIC, error);
    rts_buffer_finish(&text);
    return result;
}
