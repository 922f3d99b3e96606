/* SPDX-License-Identifier: Apache-2.0 */
#include "opinion.h"

#include <elfutils/version.h>

#if _ELFUTILS_PREREQ(0, 188)
#define FRAME_REG dwfl_frame_reg
#else
#define FRAME_REG no_frame_reg
static int no_frame_reg(Dwfl_Frame *frame, unsigned number, Dwarf_Word *value)
{
    (void)frame, (void)number, (void)value;
    return -1;
}
#endif

bool libdw_gives_registers(void)
{
    return _ELFUTILS_PREREQ(0, 188);
}

/* There is one thread, and no process. */
#define THREAD 1

/* What the callbacks are about, while a step is taken. */
struct asked {
    const struct rts_architecture *arch;
    uint64_t vaddr;
    unsigned frames;
    struct opinion *opinion;
};

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread)
{
    (void)dwfl;
    if (*thread)
        return 0;
    *thread = context;
    return THREAD;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **thread)
{
    (void)dwfl, (void)tid;
    *thread = context;
    return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *context)
{
    (void)dwfl, (void)context;
    *word = synthetic_word(address);
    return true;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *context)
{
    const struct module *module = context;
    const struct asked *asked = module->asked;
    struct rts_registers registers;
    Dwarf_Word values[RTS_REGISTERS_MAX];
    synthetic_registers(asked->arch, asked->vaddr, &registers);
    for (unsigned number = 0; number < asked->arch->registers; number++)
        values[number] = registers.value[number];
    dwfl_thread_state_register_pc(thread, asked->vaddr);
    /* libdw has no number for the pc where it is not that of the return address. */
    unsigned count = asked->arch->call_pushes ? asked->arch->registers : asked->arch->registers - 1;
    return dwfl_thread_state_registers(thread, 0, count, values);
}

bool libdw_attach(struct module *module)
{
    static const Dwfl_Thread_Callbacks callbacks = {
        .next_thread = next_thread,
        .get_thread = get_thread,
        .memory_read = memory_read,
        .set_initial_registers = set_initial_registers,
    };
    return dwfl_attach_state(module->dwfl, module->elf, THREAD, &callbacks, module);
}

static int take_frame(Dwfl_Frame *frame, void *context)
{
    struct asked *asked = context;
    struct rts_registers *caller = &asked->opinion->caller;
    Dwarf_Addr pc;
    if (++asked->frames == 1)
        return DWARF_CB_OK;
    for (unsigned number = 0; number < asked->arch->registers; number++) {
        Dwarf_Word value;
        if (FRAME_REG(frame, number, &value) == 0)
            rts_register_set(caller, number, value);
    }
    caller->known &= ~(1ULL << asked->arch->program_counter);
    if (dwfl_frame_pc(frame, &pc, NULL))
        rts_register_set(caller, asked->arch->program_counter, pc);
    return DWARF_CB_ABORT;
}

void libdw_says(struct module *module, const struct rts_architecture *arch, uint64_t vaddr,
                struct opinion *opinion)
{
    struct asked asked = {arch, vaddr, 0, opinion};
    *opinion = (struct opinion){.outcome = FAILED};
    module->asked = &asked;
    int result = dwfl_getthread_frames(module->dwfl, THREAD, take_frame, &asked);
    module->asked = NULL;
    if (asked.frames > 1)
        opinion->outcome = STEPPED;
    else if (result == 0)
        opinion->outcome = ENDED;
    else
        opinion->why = dwfl_errmsg(-1);
}
