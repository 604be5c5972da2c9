/* The files that a list names, one a line, and the CPU seconds that this process has had. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static char **names_in(const char *path, size_t *count)
{
    FILE *list = fopen(path, "r");
    char line[4096];
    size_t room = 1024;
    char **names = malloc(room * sizeof *names);

    *count = 0;
    if (list == NULL)
        return NULL;
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        if (*count == room)
            names = realloc(names, (room *= 2) * sizeof *names);
        names[(*count)++] = strdup(line);
    }
    fclose(list);
    return names;
}

static double cpu_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}
