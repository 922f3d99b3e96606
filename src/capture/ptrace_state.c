/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ptrace_state.h"

#include <asm/perf_regs.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include "broker/proc_direct.h"

#if defined __x86_64__

#define REGISTER(name) (uint16_t) offsetof(struct user_regs_struct, name)

static const uint16_t offsets[] = {
    [PERF_REG_X86_AX] = REGISTER(rax),  [PERF_REG_X86_BX] = REGISTER(rbx),
    [PERF_REG_X86_CX] = REGISTER(rcx),  [PERF_REG_X86_DX] = REGISTER(rdx),
    [PERF_REG_X86_SI] = REGISTER(rsi),  [PERF_REG_X86_DI] = REGISTER(rdi),
    [PERF_REG_X86_BP] = REGISTER(rbp),  [PERF_REG_X86_SP] = REGISTER(rsp),
    [PERF_REG_X86_IP] = REGISTER(rip),  [PERF_REG_X86_FLAGS] = REGISTER(eflags),
    [PERF_REG_X86_CS] = REGISTER(cs),   [PERF_REG_X86_SS] = REGISTER(ss),
    [PERF_REG_X86_DS] = REGISTER(ds),   [PERF_REG_X86_ES] = REGISTER(es),
    [PERF_REG_X86_FS] = REGISTER(fs),   [PERF_REG_X86_GS] = REGISTER(gs),
    [PERF_REG_X86_R8] = REGISTER(r8),   [PERF_REG_X86_R9] = REGISTER(r9),
    [PERF_REG_X86_R10] = REGISTER(r10), [PERF_REG_X86_R11] = REGISTER(r11),
    [PERF_REG_X86_R12] = REGISTER(r12), [PERF_REG_X86_R13] = REGISTER(r13),
    [PERF_REG_X86_R14] = REGISTER(r14), [PERF_REG_X86_R15] = REGISTER(r15),
};

/* What the kernel gives for a thread that runs 32-bit code: seventeen 32-bit registers. */
#define SIZE_32_BIT 68u
#define IP_32_BIT   12 /* index of eip */
#define SP_32_BIT   15
#define CS_USER_32  0x23

static void take_special(const struct user_regs_struct *regs, struct rts_ptrace_state *state)
{
    state->ip = regs->rip;
    state->sp = regs->rsp;
    state->fp = regs->rbp;
    state->in_kernel = (int64_t)regs->orig_rax >= 0;
    state->is_32_bit = regs->cs == CS_USER_32;
}

#elif defined __aarch64__

/* X0 to X30, SP and PC lie in both in this order. */
static const uint16_t offsets[] = {
    0,   8,   16,  24,  32,  40,  48,  56,  64,  72,  80,  88,  96,  104, 112, 120, 128,
    136, 144, 152, 160, 168, 176, 184, 192, 200, 208, 216, 224, 232, 240, 248, 256,
};

#define SIZE_32_BIT 72u
#define IP_32_BIT   15
#define SP_32_BIT   13

static void take_special(const struct user_regs_struct *regs, struct rts_ptrace_state *state)
{
    state->ip = regs->pc;
    state->sp = regs->sp;
    state->fp = regs->regs[29];
    state->in_kernel = false; /* not told by these registers */
    state->is_32_bit = false;
}

#endif

static void order_registers(const void *regs, uint64_t mask, struct rts_ptrace_state *state)
{
    size_t next = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(mask >> bit & 1))
            continue;
        uint64_t value = 0;
        if (bit < sizeof offsets / sizeof *offsets)
            memcpy(&value, (const char *)regs + offsets[bit], sizeof value);
        state->registers[next++] = value;
    }
}

/* A thread that runs 32-bit code is not unwound: where it was is all that is told of it. */
static void take_32_bit(const void *regs, struct rts_ptrace_state *state)
{
    uint32_t words[SIZE_32_BIT / 4];
    memcpy(words, regs, sizeof words);
    memset(state->registers, 0, sizeof state->registers);
    state->is_32_bit = true;
    state->in_kernel = false;
    state->ip = words[IP_32_BIT];
    state->sp = words[SP_32_BIT];
    state->fp = 0;
}

/* Are all its user ids ours? */
static bool is_our_own(const char *proc_root, int32_t tid)
{
    char text[2048];
    struct rts_buffer status = RTS_BUFFER_INIT;
    unsigned ids[4] = {0};
    if (rts_proc_read_direct(proc_root, tid, "status", sizeof text - 1, &status) < 0)
        status.size = 0;
    memcpy(text, status.size > 0 ? status.data : "", status.size);
    text[status.size] = '\0';
    rts_buffer_finish(&status);
    const char *line = strstr(text, "\nUid:");
    if (!line || sscanf(line, "\nUid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (ids[i] != geteuid())
            return false;
    return true;
}

/* A question has room for most stacks, and the largest ones take two. */
static size_t ask_for(const struct rts_ptrace_reader *reader, int32_t tid, uint64_t address,
                      uint8_t *to, size_t size)
{
    size_t got = 0, part, wanted;
    do {
        wanted = size - got < RTS_PROC_MEMORY_MAX ? size - got : RTS_PROC_MEMORY_MAX;
        part = rts_proc_thread_memory(&reader->proc, reader->pid, tid, address + got, to + got,
                                      wanted);
        got += part;
    } while (part > 0 && part == wanted && got < size);
    return got;
}

int rts_ptrace_state_read_stack(struct rts_ptrace_reader *reader, int32_t tid, size_t room,
                                struct rts_ptrace_state *state)
{
    const char *root = reader->proc.root;
    state->stack_size = 0;
    if (room == 0 || state->is_32_bit)
        return 0;
    if (reader->proc.broker && !reader->direct) {
        errno = 0;
        state->stack_size = ask_for(reader, tid, state->sp, state->stack, room);
        if (errno == ETIME) {
            state->stack_size = 0;
            return -1;
        }
        if (state->stack_size > 0 || (errno != EPERM && errno != EACCES))
            return 0;
        /* Yama may permit it to the ancestors of a process only (a command that we have started),
         * and the broker is none. Then we read ourselves, and may have to wait: but for nobody
         * else than our own user, who could as well have stopped us. */
        if (!is_our_own(root, tid))
            return 0;
        reader->direct = true;
    }
    state->stack_size = rts_proc_memory_direct(root, tid, state->sp, state->stack, room);
    return 0;
}

ssize_t rts_ptrace_state_read_more(struct rts_ptrace_reader *reader, int32_t tid, uint64_t address,
                                   uint8_t *to, size_t size)
{
    if (!reader->proc.broker || reader->direct)
        return (ssize_t)rts_proc_memory_direct(reader->proc.root, tid, address, to, size);
    errno = 0;
    size_t got = ask_for(reader, tid, address, to, size);
    return got == 0 && errno == ETIME ? -1 : (ssize_t)got;
}

bool rts_ptrace_state_read(int32_t tid, uint64_t mask, struct rts_ptrace_state *state)
{
    struct user_regs_struct regs;
    struct iovec vector = {&regs, sizeof regs};
    state->stack_size = 0;
    if (ptrace(PTRACE_GETREGSET, (pid_t)tid, (void *)NT_PRSTATUS, &vector) < 0)
        return false;
    if (vector.iov_len == SIZE_32_BIT) {
        take_32_bit(&regs, state);
        return true;
    }
    if (vector.iov_len != sizeof regs)
        return false;
    take_special(&regs, state);
    order_registers(&regs, mask, state);
    return true;
}

size_t rts_ptrace_state_chain(const struct rts_ptrace_state *state, uint64_t *chain,
                              size_t capacity)
{
    size_t count = 0;
    chain[count++] = (uint64_t)PERF_CONTEXT_USER;
    chain[count++] = state->ip;
    uint64_t fp = state->fp;
    /* Each frame lies above the one before: the copy bounds the walk. */
    while (count < capacity && fp >= state->sp && state->stack_size >= 16 &&
           fp - state->sp <= state->stack_size - 16) {
        uint64_t frame[2];
        memcpy(frame, state->stack + (fp - state->sp), sizeof frame);
        if (frame[1] == 0)
            break;
        chain[count++] = frame[1];
        if (frame[0] <= fp)
            break;
        fp = frame[0];
    }
    return count;
}
