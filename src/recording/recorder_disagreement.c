/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/recorder_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "binary/object.h"
#include "unwind/rule_text.h"
#include "util/hex.h"

static void put_address(struct rts_note_draft *draft, const char *key, uint64_t address)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, address);
    rts_note_put_attribute(draft, key, text);
}

/* Where a caller is, as one of the unwinders has it: "libc.so.6+0x27305". */
static void put_caller(struct rts_note_draft *draft, const char *key,
                       const struct rts_frame *caller)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (caller->object || caller->vaddr) {
        rts_buffer_format(&text, "%s+0x%" PRIx64, caller->module ? caller->module : "",
                          caller->vaddr);
        rts_note_put_attribute(draft, key, text.data);
    }
    rts_buffer_finish(&text);
}

static void put_registers(struct rts_note_draft *draft, const struct rts_registers *registers)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    for (unsigned number = 0; number < RTS_REGISTERS_MAX; number++)
        if (rts_register_known(registers, number))
            rts_buffer_format(&text, "%sr%u=0x%" PRIx64, text.size ? " " : "", number,
                              registers->value[number]);
    rts_note_put_attribute(draft, "registers", text.data);
    rts_buffer_finish(&text);
}

static void put_row(struct rts_note_draft *draft, const struct rts_disagreement *disagreement)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    if (disagreement->has_rule)
        rts_rule_text(rts_architecture_native(), &disagreement->rule, &text);
    rts_note_put_attribute(draft, "row", text.data);
    rts_buffer_finish(&text);
}

void rts_recorder_disagreement(struct rts_recorder *recorder,
                               const struct rts_disagreement *disagreement)
{
    if (recorder->ended)
        return;
    char text[RTS_HEX_SIZE(RTS_DISAGREEMENT_TEXT)];
    struct rts_note_draft draft;
    rts_hex_write(text, disagreement->text, disagreement->text_size);
    rts_note_begin(&draft, RTS_NOTE_DISAGREEMENT, &recorder->records);
    rts_note_put_number(&draft, rts_object_serial(disagreement->place.object));
    rts_note_put_attribute(&draft, "difference", rts_difference_name(disagreement->how.difference));
    put_address(&draft, "address", disagreement->place.vaddr);
    rts_note_put_attribute(&draft, "exact", disagreement->place.exact ? "1" : NULL);
    rts_note_put_attribute(&draft, "rules", rts_stop_name(disagreement->rules_stop));
    rts_note_put_attribute(&draft, "libunwind", rts_stop_name(disagreement->libunwind_stop));
    put_caller(&draft, "rules_caller", &disagreement->rules_caller);
    put_caller(&draft, "libunwind_caller", &disagreement->libunwind_caller);
    put_registers(&draft, &disagreement->registers);
    rts_note_put_attribute(&draft, "text", text);
    put_row(&draft, disagreement);
    rts_note_end(&draft);
    rts_recorder_hand_over(recorder);
}
