/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings_keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/memory.h"
#include "util/nearest.h"

#define AT(field) .offset = offsetof(struct rts_settings, field)

/* From so many letters on, the beginning of a name tells which is meant. */
#define PREFIX_MIN 4

/* Further than any two names are apart. */
#define FAR 1000

/* Windows of these lengths are what people ask for; the ends only stop typing errors. */
#define FLUSH_MS_MIN 10
#define FLUSH_MS_MAX 3600000

/* A day: whoever waits longer for a server has forgotten a unit. */
#define PAUSE_MS_MAX 86400000

/* A hundred years: beyond that it is a typing error. */
#define SECONDS_MAX 3200000000ULL

/* perf_event_open(2): sample_stack_user is a multiple of 8, and a record has 64 KiB. */
#define STACK_BYTES_MIN 256
#define STACK_BYTES_MAX 65528

/* Less than this and what one sample takes has no room: a program of middle size takes half a MiB.
 */
#define MEMORY_BYTES_MIN (4u << 20)

/* A trace of less than this has no room for its beginning and its end. */
#define RECORD_BYTES_MIN 65536

/* Less would be more bundle than trace. */
#define SEGMENT_BYTES_MIN 4096

static const char *const call_graphs[] = {"dwarf", "fp", "none", NULL};
static const char *const unwinders[] = {"rules", "libunwind", "both", NULL};
static const char *const near_readers[] = {"auto", "off", NULL};
static const char *const methods[] = {"auto", "perf", "ptrace", NULL};
static const char *const formats[] = {"auto", "ndjson", "structured", NULL};
static const char *const searches[] = {"system", "paths", "symfs", NULL};
static const char *const id_schemes[] = {"union-v0.1", "addressed", NULL};

static const struct rts_setting table[] = {
    {"Egress:AllowedHosts", RTS_SETTING_LIST, AT(egress.allowed_hosts)},
    {"Egress:Enabled", RTS_SETTING_BOOLEAN, AT(egress.enabled)},
    {"Graph:File", RTS_SETTING_TEXT, AT(graph_path), .local = true},
    {"Ingest:AnalysisId", RTS_SETTING_TEXT, AT(ingest.analysis_id)},
    {"Ingest:BatchSize", RTS_SETTING_NUMBER, AT(ingest.batch_size), 1, 100000},
    {"Ingest:CaCert", RTS_SETTING_TEXT, AT(ingest.cacert), .local = true},
    {"Ingest:CallgraphId", RTS_SETTING_TEXT, AT(ingest.callgraph_id)},
    {"Ingest:Cert", RTS_SETTING_TEXT, AT(ingest.cert), .local = true},
    {"Ingest:Component", RTS_SETTING_TEXT, AT(ingest.component)},
    {"Ingest:ComponentVersion", RTS_SETTING_TEXT, AT(ingest.component_version)},
    {"Ingest:ConnectTimeoutMs", RTS_SETTING_NUMBER, AT(ingest.connect_timeout_ms), 1, PAUSE_MS_MAX},
    {"Ingest:Endpoint", RTS_SETTING_TEXT, AT(ingest.endpoint)},
    {"Ingest:FlushIntervalMs", RTS_SETTING_NUMBER, AT(flush_interval_ms), FLUSH_MS_MIN,
     FLUSH_MS_MAX},
    {"Ingest:Format", RTS_SETTING_CHOICE, AT(ingest.format), .choices = formats},
    {"Ingest:Headers", RTS_SETTING_HEADERS, AT(ingest.headers)},
    {"Ingest:ImageDigest", RTS_SETTING_TEXT, AT(ingest.image_digest)},
    {"Ingest:Key", RTS_SETTING_TEXT, AT(ingest.key), .local = true},
    {"Ingest:RetryMaxMs", RTS_SETTING_NUMBER, AT(ingest.retry_max_ms), 1, PAUSE_MS_MAX},
    {"Ingest:RetryMs", RTS_SETTING_NUMBER, AT(ingest.retry_ms), 1, PAUSE_MS_MAX},
    {"Ingest:ScanId", RTS_SETTING_TEXT, AT(ingest.scan_id)},
    {"Ingest:Source", RTS_SETTING_TEXT, AT(ingest.source)},
    {"Ingest:TimeoutMs", RTS_SETTING_NUMBER, AT(ingest.timeout_ms), 1, PAUSE_MS_MAX},
    {"Ingest:TokenFile", RTS_SETTING_TEXT, AT(ingest.token_file), .local = true},
    {"Output:File", RTS_SETTING_TEXT, AT(output), .local = true},
    {"Output:MetricsFile", RTS_SETTING_TEXT, AT(metrics_path), .local = true},
    {"Output:StatsFile", RTS_SETTING_TEXT, AT(stats_path), .local = true},
    {"Privacy:EmitProcess", RTS_SETTING_BOOLEAN, AT(emit_process)},
    {"Privacy:EmitSocket", RTS_SETTING_BOOLEAN, AT(emit_socket)},
    {"Privacy:HashContainerIds", RTS_SETTING_BOOLEAN, AT(hash_container_ids)},
    {"Record:CasDirectory", RTS_SETTING_TEXT, AT(cas_directory), .local = true},
    {"Record:File", RTS_SETTING_TEXT, AT(record_path), .local = true},
    {"Record:Full", RTS_SETTING_BOOLEAN, AT(record_full)},
    {"Record:LimitBytes", RTS_SETTING_NUMBER64, AT(record_limit_bytes), RECORD_BYTES_MIN,
     1ULL << 50, .zero_too = true},
    {"Record:SegmentBytes", RTS_SETTING_NUMBER64, AT(segment_bytes), SEGMENT_BYTES_MIN, 1ULL << 40,
     .zero_too = true},
    {"Record:SegmentSeconds", RTS_SETTING_NUMBER, AT(segment_seconds), 0, 86400},
    {"Replay:Search", RTS_SETTING_CHOICE, AT(search), .choices = searches, .local = true},
    {"Replay:SymbolRoot", RTS_SETTING_TEXT, AT(symfs), .local = true},
    {"Sampler:CallGraph", RTS_SETTING_CHOICE, AT(call_graph), .choices = call_graphs},
    {"Sampler:CheckEvery", RTS_SETTING_NUMBER, AT(check_every), 1, 1000000000},
    {"Sampler:DurationMs", RTS_SETTING_NUMBER64, AT(duration_ms), 0, SECONDS_MAX * 1000},
    {"Sampler:Frequency", RTS_SETTING_NUMBER, AT(frequency), 1, 1000000},
    {"Sampler:MaxCpuPercent", RTS_SETTING_NUMBER, AT(sampler.max_cpu_percent), 0, 1000},
    {"Sampler:MaxEventsPerSecond", RTS_SETTING_NUMBER, AT(sampler.max_events_per_second), 0,
     100000000},
    {"Sampler:MaxMemoryBytes", RTS_SETTING_NUMBER64, AT(sampler.max_memory_bytes), MEMORY_BYTES_MIN,
     1ULL << 50, .zero_too = true},
    {"Sampler:MaxStopMicroseconds", RTS_SETTING_NUMBER, AT(sampler.max_stop_us), 0, 10000000},
    {"Sampler:Method", RTS_SETTING_CHOICE, AT(method), .choices = methods},
    {"Sampler:NearReader", RTS_SETTING_CHOICE, AT(near_reader), .choices = near_readers},
    {"Sampler:Ratio", RTS_SETTING_NUMBER, AT(sampler.ratio), 1, 1000000},
    {"Sampler:SelfTest", RTS_SETTING_BOOLEAN, AT(self_test)},
    {"Sampler:StackBytes", RTS_SETTING_NUMBER, AT(stack_bytes), STACK_BYTES_MIN, STACK_BYTES_MAX,
     .zero_too = true, .step = 8},
    {"Sampler:Unwinder", RTS_SETTING_CHOICE, AT(unwinder), .choices = unwinders},
    {"Spool:Directory", RTS_SETTING_TEXT, AT(spool.directory), .local = true},
    {"Spool:MaxAgeSeconds", RTS_SETTING_NUMBER64, AT(spool.max_age_seconds), 1, SECONDS_MAX},
    {"Spool:MaxBytes", RTS_SETTING_NUMBER64, AT(spool.max_bytes), 4096, 1ULL << 50},
    {"SymbolCapture:CacheDirectory", RTS_SETTING_TEXT, AT(cache_path), .local = true},
    {"SymbolCapture:CollectBuildIds", RTS_SETTING_BOOLEAN, AT(collect_build_ids)},
    {"SymbolCapture:EmitLoaderBase", RTS_SETTING_BOOLEAN, AT(emit_loader_base)},
    {"SymbolCapture:IdScheme", RTS_SETTING_CHOICE, AT(id_scheme), .choices = id_schemes},
    {"SymbolCapture:ResolvePackages", RTS_SETTING_BOOLEAN, AT(resolve_packages)},
    {"Union:File", RTS_SETTING_TEXT, AT(union_path), .local = true},
};

#define TABLE_COUNT (sizeof table / sizeof *table)
_Static_assert(TABLE_COUNT <= 64, "rts_settings.given has one bit for each");

const struct rts_setting *rts_setting_table(size_t *count)
{
    *count = TABLE_COUNT;
    return table;
}

const struct rts_setting *rts_setting_find(const char *path)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strcasecmp(table[i].path, path) == 0)
            return &table[i];
    return NULL;
}

const struct rts_setting *rts_setting_find_member(const char *path, const char **member)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        size_t length = strlen(table[i].path);
        if (table[i].type != RTS_SETTING_HEADERS && table[i].type != RTS_SETTING_LIST)
            continue;
        if (strncasecmp(table[i].path, path, length) == 0 && path[length] == ':') {
            *member = path + length + 1;
            return &table[i];
        }
    }
    return NULL;
}

bool rts_setting_is_section(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (strncasecmp(table[i].path, path, length) == 0 && table[i].path[length] == ':')
            return true;
    return false;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static size_t section_length(const char *path)
{
    return strcspn(path, ":");
}

static bool same_section(const char *a, const char *b)
{
    size_t length = section_length(a);
    return length == section_length(b) && strncasecmp(a, b, length) == 0;
}

static const char *name_of(const char *path)
{
    const char *colon = strchr(path, ':');
    return colon ? colon + 1 : path;
}

/* How far the names are apart; one that is the beginning of the other is meant to be it. */
static unsigned name_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t shorter = a_length < b_length ? a_length : b_length;
    if (shorter >= PREFIX_MIN && strncasecmp(a, b, shorter) == 0)
        return 1;
    return rts_word_distance(a, b);
}

/* In a known section it is the name that is wrong; else it may be either. */
static unsigned setting_distance(const char *path, const char *known, bool known_section)
{
    if (strcasecmp(name_of(path), name_of(known)) == 0)
        return rts_word_distance(path, known) > 1; /* the right name in a wrong section */
    if (known_section)
        return same_section(path, known) ? name_distance(name_of(path), name_of(known))
                                         : FAR + rts_word_distance(path, known);
    unsigned name = name_distance(name_of(path), name_of(known)) + 1;
    return least(rts_word_distance(path, known), name);
}

void rts_setting_nearest(const char *path, char nearest[RTS_SETTING_PATH_SIZE])
{
    unsigned shortest = UINT_MAX;
    bool has_name = strchr(path, ':');
    char section[RTS_SETTING_PATH_SIZE];
    snprintf(section, sizeof section, "%.*s", (int)section_length(path), path);
    bool known_section = has_name && rts_setting_is_section(section);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const char *known = table[i].path;
        unsigned apart = setting_distance(path, known, known_section);
        if (apart < shortest) {
            shortest = apart;
            snprintf(nearest, RTS_SETTING_PATH_SIZE, "%s", known);
        }
        snprintf(section, sizeof section, "%.*s", (int)section_length(known), known);
        if (!has_name && rts_word_distance(path, section) < shortest) {
            shortest = rts_word_distance(path, section);
            snprintf(nearest, RTS_SETTING_PATH_SIZE, "%s", section);
        }
    }
}

void *rts_setting_field(struct rts_settings *settings, const struct rts_setting *setting)
{
    return (char *)settings + setting->offset;
}

const void *rts_setting_field_const(const struct rts_settings *settings,
                                    const struct rts_setting *setting)
{
    return (const char *)settings + setting->offset;
}
