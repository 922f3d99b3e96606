/* SPDX-License-Identifier: Apache-2.0 */
#include "recording/repeated_packages.h"

#include <stdlib.h>
#include <string.h>

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

void rts_repeated_packages_take(struct rts_repeated_packages *packages,
                                const struct rts_object *object, struct rts_note *note)
{
    struct question question = {.function = rts_note_text(note)};
    struct rts_package package = {0};
    const char *key, *value;
    if (note->rest.failed || !object || packages->count >= PACKAGES_MAX)
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
    said->earlier = rts_table_remove(&packages->said, hash, same_function, &question);
    rts_table_add(&packages->said, hash, said);
    packages->count++;
}

struct rts_package rts_repeated_packages_find(void *context, const struct rts_object *object,
                                              const char *function)
{
    const struct rts_repeated_packages *packages = context;
    struct question question = {rts_object_serial(object), function};
    const struct said *said =
        rts_table_find(&packages->said, hash_of(&question), same_function, &question);
    question.function = "";
    if (!said)
        said = rts_table_find(&packages->said, hash_of(&question), same_function, &question);
    if (!said)
        return (struct rts_package){0};
    return (struct rts_package){said->purl, said->stale, said->modified};
}

void rts_repeated_packages_finish(struct rts_repeated_packages *packages)
{
    size_t position = 0;
    for (struct said *said; (said = rts_table_next(&packages->said, &position));) {
        while (said) {
            struct said *earlier = said->earlier;
            free(said->function);
            free(said->purl);
            free(said->stale);
            free(said);
            said = earlier;
        }
    }
    rts_table_finish(&packages->said);
}
