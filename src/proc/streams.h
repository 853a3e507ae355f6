/* Standard input, output and error: descriptors 0 to 2 are theirs alone. */
#ifndef LITEINIT_PROC_STREAMS_H
#define LITEINIT_PROC_STREAMS_H

/*
 * Opens /dev/null for each of the three that came closed. Otherwise the next file that is opened,
 * the lock or a backup, would get its number, and the log would be written into it.
 */
void proc_streams_ensure(void);

#endif
