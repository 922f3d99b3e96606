/* SPDX-License-Identifier: Apache-2.0 */
#include "package/reading.h"

#include "util/clock.h"

#define MIB      ((uint64_t)1 << 20)
#define MILLI_NS 1000000ULL

struct limits {
    uint64_t bytes, cpu_ns, wall_ns;
};

bool rts_reading_is_ours(const struct rts_tree *tree)
{
    return tree->root_fd < 0;
}

static void begin(struct rts_reading *reading, const struct rts_tree *tree,
                  const struct limits *limits)
{
    *reading = (struct rts_reading){
        .tree = *tree,
        .bytes = limits->bytes,
        .cpu_end_ns = rts_clock_thread_cpu_ns() + limits->cpu_ns,
        .end_ns = rts_clock_monotonic_ns() + limits->wall_ns,
    };
}

void rts_reading_begin(struct rts_reading *reading, const struct rts_tree *tree)
{
    static const struct limits ours = {1024 * MIB, 20000 * MILLI_NS, 60000 * MILLI_NS};
    static const struct limits others = {64 * MIB, 1000 * MILLI_NS, 5000 * MILLI_NS};
    begin(reading, tree, rts_reading_is_ours(tree) ? &ours : &others);
}

void rts_reading_begin_question(struct rts_reading *reading, const struct rts_tree *tree)
{
    static const struct limits ours = {256 * MIB, 2000 * MILLI_NS, 5000 * MILLI_NS};
    static const struct limits others = {16 * MIB, 200 * MILLI_NS, 1000 * MILLI_NS};
    begin(reading, tree, rts_reading_is_ours(tree) ? &ours : &others);
}

/* While it pauses, what is left stands for the end. */
void rts_reading_pause(struct rts_reading *reading)
{
    uint64_t now = rts_clock_thread_cpu_ns();
    reading->cpu_end_ns = reading->cpu_end_ns > now ? reading->cpu_end_ns - now : 0;
}

void rts_reading_go_on(struct rts_reading *reading)
{
    reading->cpu_end_ns += rts_clock_thread_cpu_ns();
}

bool rts_reading_take(struct rts_reading *reading, size_t size)
{
    if (size > reading->bytes || rts_clock_thread_cpu_ns() > reading->cpu_end_ns ||
        rts_clock_monotonic_ns() > reading->end_ns)
        reading->spent = true;
    reading->bytes -= size < reading->bytes ? size : reading->bytes;
    return !reading->spent;
}
