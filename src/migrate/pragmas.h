/* Which pragmas a migration may run, which are passed over, which are refused, and why. */
#ifndef LITEINIT_MIGRATE_PRAGMAS_H
#define LITEINIT_MIGRATE_PRAGMAS_H

enum migrate_verdict { MIGRATE_RUN, MIGRATE_SKIP, MIGRATE_REFUSE };

/* `value` is NULL for a question. *ret_reason is static, and set where the verdict is not RUN. */
enum migrate_verdict migrate_pragma_judge(const char *name, const char *value,
                                          const char **ret_reason);

#endif
