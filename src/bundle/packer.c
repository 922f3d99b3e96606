/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle/packer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sealing/reach.h"
#include "sealing/seal.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/memory.h"

/* How long a thread that was told to end may take for the current piece, or wait for a disk. */
#define PATIENCE_MS 400

struct job {
    struct job *next;
    int trace;
    struct rts_bundle_facts facts;
    struct rts_packed result;
    bool done;
};

struct rts_packer {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    struct job *first, **last; /* the oldest first, with those that are done */
    size_t count;
    bool hurry, stop;

    char *directory;     /* constant */
    unsigned percent;    /* constant */
    unsigned seal_needs; /* constant */
    uint64_t worked_ns;  /* the thread's own: its CPU time at the last pause */
};

/* With the lock held: waits for a change, until this time at most. */
static void wait_until(struct rts_packer *packer, uint64_t until_ns)
{
    struct timespec until = rts_timespec_of(until_ns);
    pthread_cond_timedwait(&packer->changed, &packer->lock, &until);
}

/* After a piece: as long a pause as makes the work before it the part that is allowed. */
static bool pause_after_piece(void *context)
{
    struct rts_packer *packer = context;
    uint64_t now = rts_clock_monotonic_ns(), cpu = rts_clock_thread_cpu_ns(), until = now;
    if (packer->percent > 0 && packer->percent < 100)
        until += (cpu - packer->worked_ns) * (100 - packer->percent) / packer->percent;
    packer->worked_ns = cpu;
    pthread_mutex_lock(&packer->lock);
    while (!packer->stop && !packer->hurry && rts_clock_monotonic_ns() < until)
        wait_until(packer, until);
    bool go_on = !packer->stop;
    pthread_mutex_unlock(&packer->lock);
    return go_on;
}

/* The next job that is not done; NULL: the end. */
static struct job *next_job(struct rts_packer *packer)
{
    pthread_mutex_lock(&packer->lock);
    for (;;) {
        struct job *job = packer->first;
        while (job && job->done)
            job = job->next;
        if (job || packer->stop) {
            job = packer->stop ? NULL : job;
            pthread_mutex_unlock(&packer->lock);
            return job;
        }
        pthread_cond_wait(&packer->changed, &packer->lock);
    }
}

static void *work(void *opaque)
{
    struct rts_packer *packer = opaque;
    rts_seal(RTS_SEAL_PACKER, packer->seal_needs, NULL);
    const struct rts_bundle_pace pace = {packer, pause_after_piece};
    for (struct job *job; (job = next_job(packer));) {
        struct rts_packed result = {0};
        char sha256[RTS_SHA256_HEX_SIZE];
        result.packed = rts_bundle_pack(packer->directory, job->trace, &job->facts, &pace, sha256,
                                        &result.error) == 0;
        if (result.packed)
            rts_bundle_uri(sha256, result.uri);
        pthread_mutex_lock(&packer->lock);
        job->result = result;
        job->done = true;
        pthread_cond_broadcast(&packer->changed);
        pthread_mutex_unlock(&packer->lock);
    }
    return NULL;
}

static int start(struct rts_packer *packer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&packer->thread, NULL, work, packer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

static void destroy(struct rts_packer *packer)
{
    for (struct job *job; (job = packer->first);) {
        packer->first = job->next;
        close(job->trace);
        free(job);
    }
    pthread_cond_destroy(&packer->changed);
    pthread_mutex_destroy(&packer->lock);
    free(packer->directory);
    free(packer);
}

struct rts_packer *rts_packer_create(const char *directory, unsigned percent,
                                     struct rts_error *error)
{
    struct rts_packer *packer = rts_calloc(1, sizeof *packer);
    pthread_condattr_t attributes;
    packer->last = &packer->first;
    packer->directory = rts_strdup(directory);
    packer->percent = percent;
    packer->seal_needs = rts_reach_takes_capabilities(directory, true) ? RTS_SEAL_NEED_FILES : 0;
    pthread_mutex_init(&packer->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&packer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int number = start(packer);
    if (number != 0) {
        destroy(packer);
        rts_fail_errno(error, number, "cannot start the thread that packs bundles");
        return NULL;
    }
    return packer;
}

void rts_packer_submit(struct rts_packer *packer, int trace, const struct rts_bundle_facts *facts)
{
    struct job *job = rts_calloc(1, sizeof *job);
    job->trace = trace;
    job->facts = *facts;
    pthread_mutex_lock(&packer->lock);
    *packer->last = job;
    packer->last = &job->next;
    packer->count++;
    pthread_cond_broadcast(&packer->changed);
    pthread_mutex_unlock(&packer->lock);
}

size_t rts_packer_waiting(struct rts_packer *packer)
{
    pthread_mutex_lock(&packer->lock);
    size_t count = packer->count;
    pthread_mutex_unlock(&packer->lock);
    return count;
}

bool rts_packer_take(struct rts_packer *packer, unsigned wait_ms, struct rts_packed *packed)
{
    uint64_t until = rts_clock_monotonic_ns() + wait_ms * RTS_NS_PER_MS;
    pthread_mutex_lock(&packer->lock);
    while (packer->first && !packer->first->done && rts_clock_monotonic_ns() < until)
        wait_until(packer, until);
    struct job *job = packer->first && packer->first->done ? packer->first : NULL;
    if (job) {
        packer->first = job->next;
        packer->last = packer->first ? packer->last : &packer->first;
        packer->count--;
    }
    pthread_mutex_unlock(&packer->lock);
    if (!job)
        return false;
    *packed = job->result;
    close(job->trace);
    free(job);
    return true;
}

void rts_packer_hurry(struct rts_packer *packer)
{
    pthread_mutex_lock(&packer->lock);
    packer->hurry = true;
    pthread_cond_broadcast(&packer->changed);
    pthread_mutex_unlock(&packer->lock);
}

void rts_packer_finish(struct rts_packer *packer)
{
    if (!packer)
        return;
    pthread_mutex_lock(&packer->lock);
    packer->stop = true;
    pthread_cond_broadcast(&packer->changed);
    pthread_mutex_unlock(&packer->lock);
    struct timespec until =
        rts_timespec_of((uint64_t)(rts_clock_wall_ns() + PATIENCE_MS * RTS_NS_PER_MS));
    /* One that hangs in the disk is left behind, with what it uses. */
    if (pthread_timedjoin_np(packer->thread, NULL, &until) == 0)
        destroy(packer);
    else
        pthread_detach(packer->thread);
}
