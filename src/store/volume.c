/* See volume.h. The numbers are those of statfs(2) and the kernel's magic.h. */
#include "store/volume.h"

#include <stddef.h>
#include <sys/vfs.h>

enum volume_risk { RISK_NONE, RISK_NETWORK, RISK_FUSE, RISK_OVERLAY, RISK_MEMORY };

static const struct {
    unsigned long magic;
    const char *type;
    enum volume_risk risk;
} volumes[] = {
    {0xEF53, "ext4", RISK_NONE},           {0x9123683E, "btrfs", RISK_NONE},
    {0x58465342, "xfs", RISK_NONE},        {0x2FC12FC1, "zfs", RISK_NONE},
    {0xF2F52010, "f2fs", RISK_NONE},       {0xCA451A4E, "bcachefs", RISK_NONE},
    {0x6969, "nfs", RISK_NETWORK},         {0xFF534D42, "cifs", RISK_NETWORK},
    {0xFE534D42, "smb2", RISK_NETWORK},    {0x517B, "smb", RISK_NETWORK},
    {0x01021997, "9p", RISK_NETWORK},      {0x00C36400, "ceph", RISK_NETWORK},
    {0x5346414F, "afs", RISK_NETWORK},     {0x65735546, "fuse", RISK_FUSE},
    {0x794C7630, "overlay", RISK_OVERLAY}, {0x01021994, "tmpfs", RISK_MEMORY},
    {0x858458F6, "ramfs", RISK_MEMORY},
};

static const char *const warnings[] = {
    [RISK_NONE] = NULL,
    [RISK_NETWORK] = "the database is on a network share: SQLite's WAL and its locks do not work "
                     "reliably there and the database may be damaged",
    [RISK_FUSE] = "the database is on a FUSE volume: on some of them SQLite's WAL and locks do not "
                  "work, and the database may be damaged",
    [RISK_OVERLAY] = "the database is inside the container and not on a volume: its data dies with "
                     "the container, at the next update too",
    [RISK_MEMORY] = "the database is on a file system in memory: its data is lost when the "
                    "container stops",
};

static const char *const hints[] = {
    [RISK_NONE] = NULL,
    [RISK_NETWORK] = "keep the database on a local disk of the machine that runs the container; "
                     "put only backups on the share (--backup-dir)",
    [RISK_FUSE] = "prefer a local disk for the database; put only backups there (--backup-dir)",
    [RISK_OVERLAY] = "mount a volume over its folder, in the compose file: volumes: "
                     "[\"./data:/data\"] and --db /data/app.db",
    [RISK_MEMORY] = "mount a volume over its folder, in the compose file: volumes: "
                    "[\"./data:/data\"] and --db /data/app.db",
};

struct store_volume store_volume_of(const char *path)
{
    struct store_volume volume = {.type = "unknown"};
    struct statfs fs;
    if (statfs(path, &fs) != 0)
        return volume;
    for (size_t i = 0; i < sizeof volumes / sizeof volumes[0]; i++) {
        if (((unsigned long)fs.f_type & 0xFFFFFFFFUL) != volumes[i].magic)
            continue;
        volume.type = volumes[i].type;
        volume.warning = warnings[volumes[i].risk];
        volume.hint = hints[volumes[i].risk];
        volume.network = volumes[i].risk == RISK_NETWORK;
        break;
    }
    return volume;
}
