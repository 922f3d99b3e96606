/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/forms.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

/* Kept as they are written: not inlined, cloned or split. */
#define ITSELF __attribute__((noinline, noclone, used))

#if defined __GNUC__ && !defined __clang__
#define BARE __attribute__((noinline, noclone, used, optimize("omit-frame-pointer")))
/* What ends in a call jumps there instead, whatever the program is built with. */
#define JUMPS __attribute__((noinline, noclone, used, optimize("O2")))
#else
#define BARE  ITSELF
#define JUMPS ITSELF
#endif

#define DEPTH        100
#define TURNS        10
#define STACK_BYTES  65536
#define SPINS_A_LOOK 2000

/* What a handler has to know; signals carry nothing of ours. */
static struct {
    struct rts_form_control *control;
    int form;
    volatile unsigned sum;
} handled;

static sigjmp_buf way_back;

static inline bool goes_on(int form, const struct rts_form_control *control)
{
    return control->wanted == form;
}

static inline void settle(int form, struct rts_form_control *control)
{
    control->settled_ns[form] = rts_clock_monotonic_ns();
}

/* Where the time goes: without a call, so that it is the innermost frame. */
ITSELF static unsigned spin(int form, struct rts_form_control *control)
{
    unsigned sum = 0;
    settle(form, control);
    while (goes_on(form, control))
        for (volatile unsigned i = 0; i < SPINS_A_LOOK; i = i + 1)
            sum += i;
    return sum;
}

ITSELF static unsigned deep(unsigned depth, struct rts_form_control *control)
{
    unsigned sum = depth > 0 ? deep(depth - 1, control) : spin(RTS_FORM_DEEP, control);
    return sum + (unsigned)control->wanted;
}

static unsigned odd(unsigned turns, struct rts_form_control *control);

ITSELF static unsigned even(unsigned turns, struct rts_form_control *control)
{
    return odd(turns, control) + (unsigned)control->wanted;
}

ITSELF static unsigned odd(unsigned turns, struct rts_form_control *control)
{
    unsigned sum = turns > 1 ? even(turns - 1, control) : spin(RTS_FORM_RECURSIVE, control);
    return sum + (unsigned)control->wanted;
}

ITSELF static void handler(int number)
{
    handled.sum += spin(handled.form, handled.control) + (unsigned)number;
}

ITSELF static unsigned interrupted(int form, struct rts_form_control *control, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, before;
    sigset_t none;
    handled.form = form;
    handled.control = control;
    sigaction(SIGUSR2, &action, &before);
    sigemptyset(&none);
    sigaddset(&none, SIGUSR2);
    sigprocmask(SIG_UNBLOCK, &none, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, &before, NULL);
    return (unsigned)control->wanted;
}

ITSELF static unsigned on_other_stack(struct rts_form_control *control)
{
    static char memory[STACK_BYTES];
    stack_t other = {.ss_sp = memory, .ss_size = sizeof memory};
    stack_t none = {.ss_flags = SS_DISABLE};
    unsigned sum = 0;
    if (sigaltstack(&other, NULL) == 0) {
        sum = interrupted(RTS_FORM_ALTERNATE_STACK, control, SA_ONSTACK);
        sigaltstack(&none, NULL);
    }
    return sum;
}

BARE static unsigned bare_inner(struct rts_form_control *control)
{
    return spin(RTS_FORM_NO_FRAME_POINTER, control) + (unsigned)control->wanted;
}

BARE static unsigned bare_outer(struct rts_form_control *control)
{
    return bare_inner(control) + (unsigned)control->wanted;
}

ITSELF static unsigned tell_time(struct rts_form_control *control)
{
    struct timespec time = {0};
    settle(RTS_FORM_VDSO, control);
    while (goes_on(RTS_FORM_VDSO, control))
        clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned)time.tv_nsec;
}

ITSELF static unsigned call_library(struct rts_form_control *control)
{
    unsigned sum = 0;
    settle(RTS_FORM_LINKAGE, control);
    while (goes_on(RTS_FORM_LINKAGE, control))
        sum += (unsigned)getpagesize();
    return sum;
}

__attribute__((noreturn)) ITSELF static void never(struct rts_form_control *control)
{
    handled.sum += spin(RTS_FORM_NORETURN, control);
    siglongjmp(way_back, 1);
}

ITSELF static void ends_in_call(struct rts_form_control *control)
{
    never(control);
}

ITSELF static unsigned no_return(struct rts_form_control *control)
{
    if (sigsetjmp(way_back, 1) == 0)
        ends_in_call(control);
    return (unsigned)control->wanted;
}

ITSELF static unsigned jumped_to(struct rts_form_control *control)
{
    return spin(RTS_FORM_TAIL_CALL, control) + (unsigned)control->wanted;
}

JUMPS static unsigned jumps(struct rts_form_control *control)
{
    return jumped_to(control);
}

ITSELF static unsigned calls_jumper(struct rts_form_control *control)
{
    return jumps(control) + (unsigned)control->wanted;
}

ITSELF void rts_form_run(enum rts_form form, struct rts_form_control *control)
{
    static volatile unsigned kept; /* what comes out has to be needed by somebody */
    switch (form) {
    case RTS_FORM_DEEP: kept += deep(DEPTH - 1, control); break;
    case RTS_FORM_RECURSIVE: kept += even(TURNS, control); break;
    case RTS_FORM_SIGNAL: kept += interrupted(RTS_FORM_SIGNAL, control, 0); break;
    case RTS_FORM_ALTERNATE_STACK: kept += on_other_stack(control); break;
    case RTS_FORM_NO_FRAME_POINTER: kept += bare_outer(control); break;
    case RTS_FORM_VDSO: kept += tell_time(control); break;
    case RTS_FORM_LINKAGE: kept += call_library(control); break;
    case RTS_FORM_NORETURN: kept += no_return(control); break;
    case RTS_FORM_TAIL_CALL: kept += calls_jumper(control); break;
    case RTS_FORM_COUNT: break;
    }
}

#define AT(function)                                                                               \
    {                                                                                              \
        (const void *)(uintptr_t)(function), 1, false                                              \
    }
#define TIMES(function, n)                                                                         \
    {                                                                                              \
        (const void *)(uintptr_t)(function), n, false                                              \
    }
#define AFTER(function)                                                                            \
    {                                                                                              \
        (const void *)(uintptr_t)(function), 1, true                                               \
    }

size_t rts_form_stack(enum rts_form form, struct rts_form_step steps[RTS_FORM_STEPS_MAX])
{
    const struct rts_form_step stacks[RTS_FORM_COUNT][RTS_FORM_STEPS_MAX] = {
        [RTS_FORM_DEEP] = {AT(spin), TIMES(deep, DEPTH), AT(rts_form_run)},
        [RTS_FORM_RECURSIVE] = {AT(spin), AT(odd), AT(even), AT(odd), AT(even),
                                AFTER(rts_form_run)},
        [RTS_FORM_SIGNAL] = {AT(spin), AT(handler), AFTER(interrupted), AT(rts_form_run)},
        [RTS_FORM_ALTERNATE_STACK] = {AT(spin), AT(handler)},
        [RTS_FORM_NO_FRAME_POINTER] = {AT(spin), AT(bare_inner), AT(bare_outer), AT(rts_form_run)},
        [RTS_FORM_VDSO] = {AT(tell_time), AT(rts_form_run)},
        [RTS_FORM_LINKAGE] = {AT(call_library), AT(rts_form_run)},
        [RTS_FORM_NORETURN] = {AT(spin), AT(never), AT(ends_in_call), AT(no_return),
                               AT(rts_form_run)},
        /* Where the compiler does not jump, the jumper is there too. */
        [RTS_FORM_TAIL_CALL] = {AT(spin), AT(jumped_to), AFTER(calls_jumper), AT(rts_form_run)},
    };
    size_t count = 0;
    while (count < RTS_FORM_STEPS_MAX && stacks[form][count].function) {
        steps[count] = stacks[form][count];
        count++;
    }
    return count;
}

bool rts_form_leaves_stack(enum rts_form form)
{
    return form == RTS_FORM_ALTERNATE_STACK;
}
