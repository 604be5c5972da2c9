/* What librrd itself costs: rrdloop LIST FIRST STEP TIMES VALUES
   Updates each file that LIST names, one to a line, TIMES times, first at epoch second FIRST and then every STEP
   seconds, with VALUES (as in "1:2:3:4"). Prints its CPU seconds and how many updates failed. */
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    FILE *list = fopen(argv[1], "r");
    char line[4096], update[4096];
    long first = atol(argv[2]), step = atol(argv[3]), times = atol(argv[4]), failed = 0;
    size_t count = 0, room = 1024;
    char **names = malloc(room * sizeof *names);
    struct rusage before, after;

    if (list == NULL)
        return 2;
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        if (count == room)
            names = realloc(names, (room *= 2) * sizeof *names);
        names[count++] = strdup(line);
    }
    getrusage(RUSAGE_SELF, &before);
    for (long n = 0; n < times; n++) {
        const char *arguments[] = {update};
        snprintf(update, sizeof update, "%ld:%s", first + n * step, argv[5]);
        for (size_t i = 0; i < count; i++)
            if (rrd_update_r(names[i], NULL, 1, arguments) != 0) {
                rrd_clear_error();
                failed++;
            }
    }
    getrusage(RUSAGE_SELF, &after);
    printf("%.6f %ld\n",
           after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec
               + (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6,
           failed);
    return 0;
}
