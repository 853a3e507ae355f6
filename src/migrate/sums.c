/* See sums.h. */
#include "migrate/sums.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/hash.h"

static void sha256(const char *data, size_t size, char out[HASH_HEX_SIZE])
{
    struct hash hash;
    hash_start(&hash);
    hash_add(&hash, data, size);
    hash_finish(&hash, out);
}

/* SHA-256 with every line end written as `end`. A carriage return that no line feed follows is no
 * line end. */
static void sha256_with_ends(const char *data, size_t size, const char *end,
                             char out[HASH_HEX_SIZE])
{
    struct hash hash;
    size_t from = 0;
    hash_start(&hash);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n')
            continue;
        size_t to = i > from && data[i - 1] == '\r' ? i - 1 : i;
        hash_add(&hash, data + from, to - from);
        hash_add(&hash, end, strlen(end));
        from = i + 1;
    }
    hash_add(&hash, data + from, size - from);
    hash_finish(&hash, out);
}

/* Old versions of Prisma wrote a byte below 16 with one digit:
 * https://github.com/prisma/prisma-engines/issues/1887 */
static void drop_padding(char sum[HASH_HEX_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; sum[i] != '\0'; i += 2) {
        if (sum[i] != '0')
            sum[n++] = sum[i];
        sum[n++] = sum[i + 1];
    }
    sum[n] = '\0';
}

static bool is_sha256(const char *checksum, char sum[HASH_HEX_SIZE])
{
    if (strlen(checksum) != HASH_HEX_SIZE - 1)
        drop_padding(sum);
    return strcasecmp(checksum, sum) == 0;
}

static bool is_sha256_with_any_ends(const char *checksum, const char *data, size_t size)
{
    char sum[HASH_HEX_SIZE];
    sha256(data, size, sum);
    if (is_sha256(checksum, sum))
        return true;
    sha256_with_ends(data, size, "\n", sum);
    if (is_sha256(checksum, sum))
        return true;
    sha256_with_ends(data, size, "\r\n", sum);
    return is_sha256(checksum, sum);
}

/* CRC-32 as in ISO 3309, bit by bit: files are small, and it is done once. */
static uint32_t crc32_add(uint32_t crc, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0xEDB88320) : 0);
    }
    return crc;
}

/* Flyway sums the lines without their ends and without a byte order mark, so that only the text
 * counts, and keeps the sum as a signed number of 32 bits. */
static bool is_crc32_of_lines(const char *checksum, const char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    char sum[16];
    size_t from = 0;
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        from = 3;
    for (size_t i = from; i <= size; i++)
        if (i == size || data[i] == '\n' || data[i] == '\r') {
            crc = crc32_add(crc, data + from, i - from);
            from = i + 1;
        }
    crc = ~crc;
    (void)snprintf(sum, sizeof sum, "%lld",
                   (long long)crc - (crc > INT32_MAX ? INT64_C(0x100000000) : 0));
    return strcmp(checksum, sum) == 0;
}

bool migrate_sums_match(enum foreign_sum kind, const char *checksum, const char *data, size_t size)
{
    char sum[HASH_384_HEX_SIZE];
    switch (kind) {
    case FOREIGN_SUM_SHA256:
        return is_sha256_with_any_ends(checksum, data, size);
    case FOREIGN_SUM_SHA384:
        hash_384(data, size, sum);
        return strcasecmp(checksum, sum) == 0;
    case FOREIGN_SUM_CRC32_LINES:
        return is_crc32_of_lines(checksum, data, size);
    case FOREIGN_SUM_NONE:
        break;
    }
    return true;
}

int migrate_sums_match_file(enum foreign_sum kind, const char *checksum,
                            const struct layout_folder *folder,
                            const struct layout_migration *migration, bool *ret_match,
                            struct error *err)
{
    char path[PATH_MAX];
    cleanup_free char *data = NULL;
    size_t size = 0;
    int n = snprintf(path, sizeof path, "%s/%s", folder->path, migration->up);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "migration %s", migration->up);
    if (fs_read_file(path, LAYOUT_FILE_MAX, &data, &size, err) != 0)
        return error_wrap(err, "migration %s", migration->up);
    *ret_match = migrate_sums_match(kind, checksum, data, size);
    return 0;
}
