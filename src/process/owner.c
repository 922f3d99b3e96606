/* SPDX-License-Identifier: Apache-2.0 */
#include "process/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "broker/rights.h"
#include "util/cleanup.h"
#include "util/sha256.h"

/* Some sixty lines, and a list of groups. */
#define STATUS_MAX ((size_t)1 << 20)

static void make_key(char key[RTS_OWNER_KEY_MAX])
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = 0;
    snprintf(key, RTS_OWNER_KEY_MAX, "%016" PRIx64, number);
}

void rts_owners_init(struct rts_owners *owners)
{
    *owners = (struct rts_owners){.count = 1};
    RTS_FCLOSE FILE *file = fopen("/etc/machine-id", "re");
    if (file && fgets(owners->key, sizeof owners->key, file))
        owners->key[strcspn(owners->key, "\n")] = '\0';
    if (owners->key[0] == '\0')
        make_key(owners->key);
}

unsigned rts_owners_find(struct rts_owners *owners, uint32_t uid)
{
    for (unsigned i = 0; i < owners->count; i++)
        if (owners->uids[i] == uid)
            return i;
    if (owners->count == RTS_OWNER_OTHER)
        return RTS_OWNER_OTHER;
    owners->uids[owners->count] = uid;
    return owners->count++;
}

bool rts_owners_is_ours(const struct rts_owners *owners, unsigned owner)
{
    return owner < owners->count && (owner == RTS_OWNER_ROOT || owners->uids[owner] == geteuid());
}

void rts_owners_digest(const struct rts_owners *owners, unsigned owner,
                       char digest[RTS_OWNER_DIGEST_SIZE])
{
    char text[RTS_OWNER_KEY_MAX + 40], hex[RTS_SHA256_HEX_SIZE];
    uint8_t value[RTS_SHA256_SIZE];
    if (owner == RTS_OWNER_ROOT || owner >= owners->count) {
        snprintf(digest, RTS_OWNER_DIGEST_SIZE, "%s", owner == RTS_OWNER_ROOT ? "root" : "others");
        return;
    }
    snprintf(text, sizeof text, "rtsample owner %s %" PRIu32, owners->key, owners->uids[owner]);
    rts_sha256_bytes(text, strlen(text), value);
    rts_sha256_hex(value, hex);
    snprintf(digest, RTS_OWNER_DIGEST_SIZE, "%.8s", hex);
}

int rts_process_uid_read(const struct rts_proc *proc, int32_t pid, uint32_t *uid)
{
    struct rts_buffer text = RTS_BUFFER_INIT;
    struct rts_rights rights;
    bool read = rts_proc_read(proc, pid, "status", STATUS_MAX, &text) == 0 && text.data &&
                rts_rights_parse(text.data, &rights);
    rts_buffer_finish(&text);
    if (read)
        *uid = rights.uid;
    return read ? 0 : -1;
}
