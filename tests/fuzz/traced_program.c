/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that the seeds of fuzz_trace are traces of: tests/fuzz/trace_files/program. It has a
 * function for each way to find a caller, and never runs. `tests/fuzz/damaged_traces.py --program`
 * makes it again (x86-64, gcc 12), at the addresses that the seeds know.
 */
__attribute__((noinline)) static int leaf(volatile int *place)
{
    return *place += 1;
}

__attribute__((noinline)) static int large_frame(volatile int *place)
{
    volatile int room[100];
    room[*place & 63] = leaf(place);
    return leaf(room) + leaf(room + 1);
}

/* Its frame is found by its frame pointer alone. */
__attribute__((noinline)) static int any_size(volatile int *place)
{
    volatile char *room = __builtin_alloca((unsigned)*place);
    room[0] = 1;
    return large_frame(place) + room[0];
}

__attribute__((noinline)) int exported(volatile int *place)
{
    return any_size(place) + large_frame(place) + 1;
}

void _start(void)
{
    volatile int place = 0;
    for (;;)
        place = exported(&place) + leaf(&place);
}
