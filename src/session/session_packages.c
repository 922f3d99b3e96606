/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace of our own says of packages: the databases of then are not there to be asked. */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "session/replay.h"
#include "util/memory.h"

/* Functions that are named by themselves; of files whose functions are all of one package, none is.
 */
#define PACKAGES_MAX 1000000

/* Facts borrow the texts until their window is written, so what was said earlier stays as well. */
struct said {
    struct said *earlier; /* of the same function */
    uint32_t object;      /* serial */
    bool modified;
    char *function, *purl, *stale; /* "": all functions; NULL: not known */
};

struct question {
    uint32_t object;
    const char *function;
};

static bool same_function(const void *item, const void *key)
{
    const struct said *said = item;
    const struct question *question = key;
    return said->object == question->object && strcmp(said->function, question->function) == 0;
}

static uint64_t hash_of(const struct question *question)
{
    return rts_hash_bytes(question->function, strlen(question->function), question->object);
}

static char *copy(const char *text)
{
    return text ? rts_strdup(text) : NULL;
}

void rts_replay_take_package(struct rts_replay *replay, const struct rts_object *object,
                             struct rts_note *note)
{
    struct question question = {.function = rts_note_text(note)};
    struct rts_package package = {0};
    const char *key, *value;
    if (note->damaged || !object || replay->package_count >= PACKAGES_MAX)
        return;
    question.object = rts_object_serial(object);
    while (rts_note_attribute(note, &key, &value)) {
        if (strcmp(key, "purl") == 0)
            package.purl = value;
        else if (strcmp(key, "stale") == 0)
            package.stale = value;
        else if (strcmp(key, "modified") == 0)
            package.modified = true;
    }
    struct said *said = rts_calloc(1, sizeof *said);
    said->object = question.object;
    said->function = rts_strdup(question.function);
    said->purl = copy(package.purl);
    said->stale = copy(package.stale);
    said->modified = package.modified;
    uint64_t hash = hash_of(&question);
    said->earlier = rts_table_remove(&replay->packages, hash, same_function, &question);
    rts_table_add(&replay->packages, hash, said);
    replay->package_count++;
}

struct rts_package rts_replay_package(const struct rts_replay *replay,
                                      const struct rts_object *object, const char *function)
{
    struct question question = {rts_object_serial(object), function};
    const struct said *said =
        rts_table_find(&replay->packages, hash_of(&question), same_function, &question);
    question.function = "";
    if (!said)
        said = rts_table_find(&replay->packages, hash_of(&question), same_function, &question);
    if (!said)
        return (struct rts_package){0};
    return (struct rts_package){said->purl, said->stale, said->modified};
}

void rts_replay_finish_packages(struct rts_replay *replay)
{
    size_t position = 0;
    for (struct said *said; (said = rts_table_next(&replay->packages, &position));) {
        while (said) {
            struct said *earlier = said->earlier;
            free(said->function);
            free(said->purl);
            free(said->stale);
            free(said);
            said = earlier;
        }
    }
    rts_table_finish(&replay->packages);
}
