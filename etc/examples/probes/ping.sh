#!/bin/sh
# Whether hosts answer to ping, and how fast: arguments are names or addresses.
# tocsin: arguments = ["127.0.0.1"], handler = "ping_check"
separator="{"
for host in "$@"; do
    # "rtt min/avg/max/mdev = 0.03/0.04/0.05/0.01 ms"; without an answer there is no such line.
    figures=$(LC_ALL=C ping -n -q -c 3 -i 0.2 -W 2 -- "$host" | awk '
        /packet loss/ { for (i = 1; i <= NF; i++) if ($i ~ /%/) printf "\"loss\": %g", $i }
        /^(rtt|round-trip)/ { sub(/.*= */, ""); split($0, ms, "/")
            printf ", \"rtt_min\": %.9f, \"rtt_avg\": %.9f, \"rtt_max\": %.9f", ms[1]/1e3, ms[2]/1e3, ms[3]/1e3 }')
    printf '%s"%s": {%s}' "$separator" "$host" "${figures:-\"loss\": 100}"
    separator=", "
done
echo "}"
