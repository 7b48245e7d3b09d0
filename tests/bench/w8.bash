# SPDX-License-Identifier: MIT
# w8: HTTP. GETs of 1 KiB from a loopback nginx, 64 at once, a job each.

requests=$(pick 5000 1000)
title "W8 HTTP: $requests x GET of 1 KiB from a loopback nginx, 64 at once"

nginx=$(PATH=$PATH:/usr/sbin command -v nginx)

# begin_nginx: serves $work/www at a free port, $port. It runs in the foreground of a
# job of ours, so that it ends with the row.
begin_nginx() {
    mkdir -p "$work/www" "$work/nginx"
    chmod 755 "$top" "$work" "$work/www"
    head -c 1024 /dev/zero | tr '\0' x >"$work/www/k"
    for port in 18431 28431 38431 48431; do
        cat >"$work/nginx.conf" <<END
daemon off; pid $work/nginx/pid; worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 10000000;
    client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p;
    fastcgi_temp_path $work/nginx/f; uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
    server { listen 127.0.0.1:$port; root $work/www; }
}
END
        "$nginx" -c "$work/nginx.conf" -e "$work/nginx/error" >"$work/nginx/out" 2>&1 &
        server=$!
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            [ "$(curl -s "http://127.0.0.1:$port/k" | wc -c)" = 1024 ] && return 0
            sleep 0.1
        done
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    return 1
}

if [ -z "$nginx" ] || ! have curl; then
    missing W8 "$requests GETs" 'nginx and curl are not installed'
elif ! begin_nginx; then
    missing W8 "$requests GETs" 'nginx does not start'
else
    arena
    url=http://127.0.0.1:$port/k
    {
        printf '[defaults]\ntype = io\nhttp = %s\n' "$url"
        seq -f '[job j%.0f]' 1 "$requests"
    } >"$work/http.ini"
    seq 1 "$requests" | sed "s|.*|url = \"$url\"\noutput = /dev/null|" >"$work/urls"
    some=$((requests / 10))
    seq 1 "$some" >"$work/list"
    contender muster 99 "$muster" run --no-history --io-limit 64 "$work/http.ini"
    contender muster-history 99 "$muster" run --io-limit 64 "$work/http.ini"
    contender curl 99 curl -s --parallel --parallel-max 64 -K "$work/urls"
    contender xargs '3*10' xargs -a "$work/list" -I '{}' -P 64 curl -s -o /dev/null "$url"
    turns "$(pick 5 2)" "$(pick 12 2)"
    kill "$server"
    wait "$server" 2>/dev/null
    figures curl
    result W8 "$requests GETs, 64 at once" muster 'curl<=1.7' 'xargs<=0.02'
    result W8 "$requests GETs, with history" muster-history 'curl<=1.7' 'xargs<=0.02'
    rate=$(awk -v n="$requests" -v s="$(median muster)" 'BEGIN { print s / n * 1e6 }')
    bound W8 'a GET' "$(printf '%.1f us' "$rate")" "$rate" 50 us
fi
