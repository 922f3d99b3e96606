/* SPDX-License-Identifier: Apache-2.0 */
/* From memory to the spool, and what is said and counted when that fails. */
#include "delivery/delivery_state.h"

#include "util/clock.h"
#include "util/log.h"

#define DISK_PAUSE_NS (5 * RTS_NS_PER_S)

void rts_delivery_count_loss(struct rts_delivery *delivery, const struct rts_spool_loss *loss)
{
    if (rts_delivery_ledger_count_loss(&delivery->ledger, loss, delivery->spool))
        rts_log("the spool %s is full, or what is in it is too old: the oldest facts are dropped",
                delivery->spool_path);
}

void rts_delivery_say_spool_trouble(struct rts_delivery *delivery, const struct rts_error *error)
{
    if (!delivery->spool_trouble_said)
        rts_log("spool %s: %s; facts wait in memory", delivery->spool_path, error->text);
    delivery->spool_trouble_said = true;
}

void rts_delivery_spool_queue(struct rts_delivery *delivery, uint64_t time_ns)
{
    uint64_t begun = rts_clock_monotonic_ns();
    if (!delivery->spool || begun < delivery->next_spooling_ns)
        return;
    for (struct rts_batch *batch; rts_clock_monotonic_ns() - begun <= time_ns &&
                                  (batch = rts_delivery_ledger_take_first(&delivery->ledger));) {
        struct rts_spool_loss loss = {0};
        struct rts_error error;
        int result = rts_spool_put(delivery->spool, batch, &loss, &error);
        rts_delivery_count_loss(delivery, &loss);
        if (result < 0) {
            rts_delivery_ledger_put_back(&delivery->ledger, batch);
            delivery->next_spooling_ns = rts_clock_monotonic_ns() + DISK_PAUSE_NS;
            rts_delivery_say_spool_trouble(delivery, &error);
            return;
        }
        delivery->spool_trouble_said = false;
        rts_batch_destroy(batch);
    }
}
