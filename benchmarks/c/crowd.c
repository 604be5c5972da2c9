/* Many processes that sleep, until standard input ends: crowd COUNT WATCHED ROOM.
   Of them WATCHED call themselves "watched-worker --number N", the others something else. ROOM is there to be
   written over by their command lines. Prints how many there are. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int count = atoi(argv[1]), watched = atoi(argv[2]);
    size_t room = argv[argc - 1] + strlen(argv[argc - 1]) - argv[0];
    pid_t *pids = calloc(count, sizeof *pids), parent = getpid();

    for (int n = 0; n < count; n++) {
        pids[n] = fork();
        if (pids[n] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(0);
            memset(argv[0], 0, room);
            snprintf(argv[0], room, "%s --number %d", n < watched ? "watched-worker" : "/usr/lib/other/daemon", n);
            for (;;)
                pause();
        }
        if (pids[n] < 0)
            count = n;
    }
    printf("%d\n", count);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (int n = 0; n < count; n++)
        kill(pids[n], SIGKILL);
    for (int n = 0; n < count; n++)
        waitpid(pids[n], NULL, 0);
    return 0;
}
