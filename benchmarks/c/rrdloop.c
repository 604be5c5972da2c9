/* What librrd itself costs: rrdloop LIST FIRST STEP TIMES VALUES
   Updates each file that LIST names, one to a line, TIMES times, first at epoch second FIRST and then every STEP
   seconds, with VALUES (as in "1:2:3:4"). Prints its CPU seconds and how many updates failed. */
#include <rrd.h>

#include "names.h"

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    char update[4096];
    long first = atol(argv[2]), step = atol(argv[3]), times = atol(argv[4]), failed = 0;
    size_t count;
    char **names = names_in(argv[1], &count);

    if (names == NULL)
        return 2;
    double before = cpu_s();
    for (long n = 0; n < times; n++) {
        const char *arguments[] = {update};
        snprintf(update, sizeof update, "%ld:%s", first + n * step, argv[5]);
        for (size_t i = 0; i < count; i++)
            if (rrd_update_r(names[i], NULL, 1, arguments) != 0) {
                rrd_clear_error();
                failed++;
            }
    }
    printf("%.6f %ld\n", cpu_s() - before, failed);
    return 0;
}
