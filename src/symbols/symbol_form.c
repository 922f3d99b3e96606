/* SPDX-License-Identifier: Apache-2.0 */
/* One form of a symbol: how it is made, compared and freed. */
#include "symbols/symbol.h"

#include <stdlib.h>
#include <string.h>

#include "binary/object.h"
#include "symbols/demangle.h"
#include "symbols/symbol_state.h"
#include "util/buffer.h"
#include "util/cleanup.h"
#include "util/memory.h"
#include "util/short_name.h"

/* Folded code can have hundreds of names; a line must stay short. Whole names beyond it are cut. */
#define ALIASES_BYTES_MAX 4096

static void destroy_form(struct rts_symbol *symbol)
{
    free(symbol->symbol_id);
    free(symbol->code_id);
    free(symbol->build_id);
    free(symbol->name);
    free(symbol->demangled);
    free(symbol->aliases);
    free(symbol->module);
    free(symbol);
}

void rts_symbol_destroy(struct rts_symbol *symbol)
{
    while (symbol) {
        struct rts_symbol *next = symbol->next_form;
        destroy_form(symbol);
        symbol = next;
    }
}

static char *join(const char *first, const char *second)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    rts_buffer_text(&text, first);
    rts_buffer_text(&text, second);
    return text.data;
}

/* "a,b,c", or NULL. A name with a comma in it would read as two, so it is left out. */
static char *join_aliases(const char **aliases)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    for (const char **alias = aliases; alias && *alias; alias++) {
        if (**alias == '\0' || strchr(*alias, ','))
            continue;
        RTS_FREE char *name = rts_short_name(*alias);
        if (text.size + strlen(name) + 1 > ALIASES_BYTES_MAX)
            break;
        rts_buffer_text(&text, text.size ? "," : "");
        rts_buffer_text(&text, name);
    }
    return text.data;
}

static char *base_name(const char *path)
{
    if (!path)
        return NULL;
    const char *slash = strrchr(path, '/');
    return rts_short_name(slash ? slash + 1 : path);
}

static size_t text_bytes(const char *text)
{
    return text ? rts_heap_bytes(strlen(text) + 1) : 0;
}

static size_t bytes_of(const struct rts_symbol *symbol)
{
    const size_t slots = 2 * sizeof(struct rts_table_slot);
    return rts_heap_bytes(sizeof *symbol) + slots + text_bytes(symbol->symbol_id) +
           text_bytes(symbol->code_id) + text_bytes(symbol->build_id) + text_bytes(symbol->name) +
           text_bytes(symbol->demangled) + text_bytes(symbol->aliases) + text_bytes(symbol->module);
}

struct rts_symbol *rts_symbol_make(const struct rts_object *object,
                                   const struct rts_code_identity *code,
                                   const struct rts_function *function,
                                   struct rts_function_ids *ids)
{
    struct rts_symbol *symbol = rts_calloc(1, sizeof *symbol);
    memcpy(symbol->file, rts_object_key(object), sizeof symbol->file);
    symbol->likeness = rts_object_likeness(object);
    symbol->symbol_id = ids->symbol_id;
    symbol->code_id = ids->code_id;
    symbol->id_scheme = ids->scheme;
    symbol->join_rule = ids->join_rule;
    symbol->join = ids->join;
    *ids = (struct rts_function_ids){0};
    symbol->build_id = join(code->is_file_hash ? "sha256:" : "gnu-build-id:", code->hex);
    symbol->build_id_is_file_hash = code->is_file_hash;
    symbol->name = rts_short_name(function->name);
    RTS_FREE char *demangled = rts_demangle(function->name);
    if (demangled && strcmp(demangled, function->name) != 0)
        symbol->demangled = rts_short_name(demangled);
    symbol->aliases = join_aliases(function->aliases);
    symbol->module = base_name(rts_object_path(object));
    symbol->source = function->source;
    symbol->owner = rts_object_owner(object);
    symbol->bytes = bytes_of(symbol);
    return symbol;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool rts_symbol_same_form(const struct rts_symbol *a, const struct rts_symbol *b)
{
    return a->source == b->source && a->join == b->join && same_text(a->join_rule, b->join_rule) &&
           same_text(a->name, b->name) && same_text(a->aliases, b->aliases) &&
           same_text(a->code_id, b->code_id) && same_text(a->build_id, b->build_id);
}
