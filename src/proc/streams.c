/* See streams.h. */
#include "proc/streams.h"

#include <fcntl.h>
#include <unistd.h>

void proc_streams_ensure(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is `fd`: those below are open. Not close-on-exec: workers and the
         * app need them as much. Without /dev/null any open file will do. */
        if (open("/dev/null", O_RDWR) < 0)
            (void)open("/", O_RDONLY | O_DIRECTORY);
    }
}
