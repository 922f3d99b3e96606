/* SPDX-License-Identifier: Apache-2.0 */
#include "process/lives.h"

#include <stdlib.h>

#include "util/memory.h"
#include "util/table.h"

/* A target of more threads than that at a time is not one of short lives. */
#define LIVES_MAX 65536

/* Half a period of each life is not seen, on average: with more samples than this that is below a
 * tenth of it. */
#define FEW_SAMPLES 4

/* Fewer than this are no habit. */
#define FEW_LIVES_MIN 8

/* What is counted for hide_much() loses half of its weight in this time. */
#define HALF_LIFE_NS 60000000000ULL

struct life {
    int32_t tid;
    uint64_t samples;    /* of the thread; of the first one: of any thread of the process */
    bool is_process;     /* the first thread of one */
    bool born;           /* while we looked */
    bool ended, doubted; /* not judged yet; in the drain before this one */
};

struct rts_lives {
    struct rts_table by_tid;
    size_t ended_count;
    struct rts_lives_unseen unseen;
    uint64_t few, samples, halved_ns;
};

static bool same_tid(const void *item, const void *key)
{
    return ((const struct life *)item)->tid == *(const int32_t *)key;
}

static uint64_t tid_hash(int32_t tid)
{
    return rts_hash_u64((uint32_t)tid);
}

struct rts_lives *rts_lives_create(void)
{
    return rts_calloc(1, sizeof(struct rts_lives));
}

void rts_lives_destroy(struct rts_lives *lives)
{
    if (!lives)
        return;
    size_t position = 0;
    for (void *item; (item = rts_table_next(&lives->by_tid, &position));)
        free(item);
    rts_table_finish(&lives->by_tid);
    free(lives);
}

static struct life *find(const struct rts_lives *lives, int32_t tid)
{
    return rts_table_find(&lives->by_tid, tid_hash(tid), same_tid, &tid);
}

/* NULL when there are too many. */
static struct life *find_or_add(struct rts_lives *lives, int32_t pid, int32_t tid)
{
    struct life *life = find(lives, tid);
    if (life || lives->by_tid.count >= LIVES_MAX)
        return life;
    life = rts_calloc(1, sizeof *life);
    life->tid = tid;
    life->is_process = pid == tid;
    rts_table_add(&lives->by_tid, tid_hash(tid), life);
    return life;
}

static void judge(struct rts_lives *lives, struct life *life)
{
    if (life->samples == 0) {
        lives->unseen.processes += life->is_process;
        lives->unseen.threads += !life->is_process;
    }
    lives->ended_count--;
    rts_table_remove(&lives->by_tid, tid_hash(life->tid), same_tid, &life->tid);
    free(life);
}

void rts_lives_born(struct rts_lives *lives, int32_t pid, int32_t tid)
{
    struct life *life = find(lives, tid);
    if (life && life->ended)
        judge(lives, life); /* its number is in use again */
    else if (life)
        return;
    life = find_or_add(lives, pid, tid);
    if (life)
        life->born = true;
}

void rts_lives_sampled(struct rts_lives *lives, int32_t pid, int32_t tid)
{
    struct life *life = find_or_add(lives, pid, tid);
    struct life *process = pid == tid ? NULL : find_or_add(lives, pid, pid);
    lives->samples++;
    if (life)
        life->samples++;
    if (process)
        process->samples++;
}

void rts_lives_ended(struct rts_lives *lives, int32_t pid, int32_t tid)
{
    struct life *life = find_or_add(lives, pid, tid);
    if (!life || life->ended)
        return;
    life->ended = true;
    lives->ended_count++;
}

void rts_lives_settle(struct rts_lives *lives, uint64_t now)
{
    size_t position = 0, left = lives->ended_count;
    if (now - lives->halved_ns > HALF_LIFE_NS) {
        lives->halved_ns = now;
        lives->few /= 2;
        lives->samples /= 2;
    }
    for (struct life *life; left > 0 && (life = rts_table_next(&lives->by_tid, &position));) {
        if (!life->ended)
            continue;
        left--;
        if (life->doubted) {
            judge(lives, life);
            continue;
        }
        life->doubted = true;
        lives->few += life->born && life->samples <= FEW_SAMPLES;
    }
}

struct rts_lives_unseen rts_lives_unseen(const struct rts_lives *lives)
{
    return lives->unseen;
}

bool rts_lives_hide_much(const struct rts_lives *lives)
{
    /* Half a sample of each. */
    return lives->few >= FEW_LIVES_MIN && lives->few * 10 >= lives->samples;
}
