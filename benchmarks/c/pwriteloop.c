/* What the least that can be done costs: pwriteloop LIST TIMES HEADER ROW
   Opens each file that LIST names, reads HEADER bytes, writes them back, writes ROW bytes behind them, closes it, TIMES
   times; what a file holds stays as it is. Prints its CPU seconds and how many files failed. */
#include <fcntl.h>
#include <unistd.h>

#include "names.h"

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    long times = atol(argv[2]), failed = 0;
    size_t count, header = atol(argv[3]), row = atol(argv[4]);
    char **names = names_in(argv[1], &count), *buffer = malloc(header + row);

    if (names == NULL)
        return 2;
    double before = cpu_s();
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
    printf("%.6f %ld\n", cpu_s() - before, failed);
    return 0;
}
