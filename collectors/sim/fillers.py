"""Processes to which nothing happens: what every host has, to make its table as long as it should be."""

from __future__ import annotations

_KERNEL = ("kworker/{n}:1-events", "ksoftirqd/{n}", "migration/{n}", "rcuop/{n}", "scsi_eh_{n}", "jbd2/sda{n}-8")
_DAEMONS = (
    ("sshd", "sshd:", "ops [priv] {n}"),
    ("agetty", "/sbin/agetty", "-o -p -- \\u --noclear tty{n} linux"),
    ("java", "/usr/bin/java", "-Xmx512m -XX:+UseG1GC -jar /srv/app{n}/lib/service.jar --spring.profiles.active=live"),
    ("python3", "/usr/bin/python3", "/opt/jobs/run.py --queue q{n}"),
    ("php-fpm", "php-fpm:", "pool www{n}"),
    ("systemd-journald", "/lib/systemd/systemd-journald", ""),
    ("containerd-shim", "/usr/bin/containerd-shim-runc-v2", "-namespace moby -id {n} -address /run/containerd.sock"),
)


def filler(number: int) -> tuple[str, str, str]:
    """Name, path and parameters of the process of that number: one third of them are the kernel's own."""
    n = str(number // 3)
    if number % 3 == 0:
        return _KERNEL[number // 3 % len(_KERNEL)].replace("{n}", n), "", ""
    name, path, parameters = _DAEMONS[number % len(_DAEMONS)]
    return name, path, parameters.replace("{n}", n)
