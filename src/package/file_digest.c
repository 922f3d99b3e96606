/* SPDX-License-Identifier: Apache-2.0 */
#include "package/file_digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

static const EVP_MD *algorithm(size_t size)
{
    switch (size) {
    case 16: return EVP_md5();
    case 20: return EVP_sha1();
    case 32: return EVP_sha256();
    case 64: return EVP_sha512();
    default: return NULL;
    }
}

static bool digest_all(int fd, EVP_MD_CTX *context)
{
    uint8_t chunk[65536];
    for (uint64_t offset = 0; offset <= RTS_FILE_DIGEST_MAX;) {
        ssize_t size = pread(fd, chunk, sizeof chunk, (off_t)offset);
        if (size == 0)
            return true;
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 || EVP_DigestUpdate(context, chunk, (size_t)size) != 1)
            return false;
        offset += (uint64_t)size;
    }
    return false;
}

bool rts_file_digest(int fd, size_t size, uint8_t *digest)
{
    const EVP_MD *md = algorithm(size);
    struct stat status;
    if (!md || fstat(fd, &status) < 0 || (uint64_t)status.st_size > RTS_FILE_DIGEST_MAX)
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool whole = context && EVP_DigestInit_ex(context, md, NULL) == 1 && digest_all(fd, context) &&
                 EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return whole;
}
