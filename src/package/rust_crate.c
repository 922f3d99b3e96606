/* SPDX-License-Identifier: Apache-2.0 */
#include "package/rust_crate.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/hex.h"

/* Steps through one path: names are nested a few dozen deep. */
#define STEPS_MAX 500

/* Of a 64-bit number in base 62. */
#define DIGITS_MAX 12

#define HASH_SIZE 16

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal length; 0 when there is none. */
static size_t take_length(const char **at)
{
    size_t length = 0;
    for (int i = 0; is_digit(**at) && i < 6; i++, (*at)++)
        length = length * 10 + (size_t)(**at - '0');
    return length;
}

/* ---- _R ---- */

/* A number in base 62 up to its "_"; the empty one is 0, others count from 1. */
static bool take_base62(const char **at, uint64_t *value)
{
    *value = 0;
    if (**at == '_') {
        (*at)++;
        return true;
    }
    for (int i = 0; i < DIGITS_MAX; i++, (*at)++) {
        char c = **at;
        uint64_t digit;
        if (c == '_') {
            (*at)++;
            (*value)++;
            return true;
        }
        if (is_digit(c))
            digit = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'z')
            digit = (uint64_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'Z')
            digit = (uint64_t)(c - 'A') + 36;
        else
            return false;
        *value = *value * 62 + digit;
    }
    return false;
}

static bool skip_disambiguator(const char **at)
{
    uint64_t ignored;
    if (**at != 's')
        return true;
    (*at)++;
    return take_base62(at, &ignored);
}

static size_t crate_root(const char *at, const char **crate)
{
    if (!skip_disambiguator(&at))
        return 0;
    at += *at == 'u';
    size_t length = take_length(&at);
    at += *at == '_';
    if (length > strlen(at))
        return 0;
    *crate = at;
    return length;
}

/* A path begins with the crate that it is in, and an implementation with the path it is written
 * in. Of Y, a method that the trait itself provides, the type comes first: passed over. */
static size_t crate_of_v0(const char *name, const char **crate)
{
    const char *begin = name + 2, *at = begin;
    for (int i = 0; i < STEPS_MAX; i++) {
        uint64_t back;
        switch (*at++) {
        case 'C': return crate_root(at, crate);
        case 'N':
            if (!*at++)
                return 0;
            break;
        case 'M':
        case 'X':
            if (!skip_disambiguator(&at))
                return 0;
            break;
        case 'I': break;
        case 'B': {
            const char *here = at - 1;
            if (!take_base62(&at, &back) || back >= (uint64_t)(here - begin))
                return 0;
            at = begin + back;
            break;
        }
        default: return 0;
        }
    }
    return 0;
}

/* ---- _ZN…17h<hash>E ---- */

/* The older mangling is that of C++, with a hash as the last part. */
static bool has_hash(const char *name)
{
    const char *hash = name;
    while ((hash = strstr(hash, "17h"))) {
        hash += 3;
        if (strspn(hash, RTS_HEX_DIGITS) == HASH_SIZE && hash[HASH_SIZE] == 'E')
            return true;
    }
    return false;
}

static bool is_word(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'z') &&
            !(text[i] >= 'A' && text[i] <= 'Z') && text[i] != '_')
            return false;
    return size > 0;
}

/* The crate at the front of "crate..module..Type"; 0 when it is not a path. */
static size_t first_word(const char *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (text[i] == '.' && text[i + 1] == '.')
            return is_word(text, i) ? i : 0;
    return 0;
}

static bool is_standard(const char *text, size_t size)
{
    static const char *const names[] = {"core", "alloc", "std"};
    for (size_t i = 0; i < 3; i++)
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0)
            return true;
    return false;
}

/* "_$LT$TYPE$u20$as$u20$TRAIT$GT$", or without a trait. The standard library knows no type of
 * others, so that its traits are implemented where the type is; unless the trait has an argument,
 * which may be of a third crate. */
static size_t crate_of_implementation(const char *part, size_t size, const char **crate)
{
    static const char open[] = "_$LT$", as[] = "$u20$as$u20$", argument[] = "$LT$";
    const size_t open_size = sizeof open - 1, as_size = sizeof as - 1;
    if (size < open_size || memcmp(part, open, open_size) != 0)
        return 0;
    const char *type = part + open_size, *end = part + size;
    size_t type_crate = first_word(type, (size_t)(end - type));
    const char *trait = memmem(type, (size_t)(end - type), as, as_size);
    *crate = type;
    if (!trait)
        return type_crate;
    trait += as_size;
    size_t trait_crate = first_word(trait, (size_t)(end - trait));
    if (type_crate == 0 || trait_crate == 0 || type + type_crate >= trait)
        return 0;
    if (trait_crate == type_crate && memcmp(trait, type, type_crate) == 0)
        return type_crate;
    bool has_argument = memmem(trait, (size_t)(end - trait), argument, sizeof argument - 1);
    return is_standard(trait, trait_crate) && !has_argument ? type_crate : 0;
}

static size_t crate_of_legacy(const char *name, const char **crate)
{
    const char *at = name + 3;
    size_t length = take_length(&at);
    if (length == 0 || length > strlen(at) || !has_hash(at + length))
        return 0;
    *crate = at;
    return is_word(at, length) ? length : crate_of_implementation(at, length, crate);
}

size_t rts_rust_crate(const char *name, const char **crate)
{
    if (strncmp(name, "_R", 2) == 0)
        return crate_of_v0(name, crate);
    return strncmp(name, "_ZN", 3) == 0 ? crate_of_legacy(name, crate) : 0;
}
