/* What the least that can be done costs: pwriteloop LIST TIMES HEADER ROW
   Opens each file that LIST names, reads HEADER bytes, writes them back, writes ROW bytes behind them, closes it, TIMES
   times; what a file holds stays as it is. Prints its CPU seconds and how many files failed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    FILE *list = fopen(argv[1], "r");
    char line[4096];
    long times = atol(argv[2]), failed = 0;
    size_t count = 0, room = 1024, header = atol(argv[3]), row = atol(argv[4]);
    char **names = malloc(room * sizeof *names), *buffer = malloc(header + row);
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
    for (long n = 0; n < times; n++)
        for (size_t i = 0; i < count; i++) {
            int file = open(names[i], O_RDWR | O_CLOEXEC);
            if (file < 0 || pread(file, buffer, header + row, 0) != (ssize_t)(header + row)
                || pwrite(file, buffer, header, 0) != (ssize_t)header
                || pwrite(file, buffer + header, row, header) != (ssize_t)row)
                failed++;
            if (file >= 0)
                close(file);
        }
    getrusage(RUSAGE_SELF, &after);
    printf("%.6f %ld\n",
           after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec
               + (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6,
           failed);
    return 0;
}
