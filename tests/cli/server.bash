# SPDX-License-Identifier: MIT
# server: HTTP servers of the tests, in the background.

# Starts one, and sets $port and $server, its URL. It ends with the test.
start_server() {
    rm -f port
    python3 "$SOURCE/tests/cli/server.py" . "$@" 3>&- &
    server_pid=$!
    wait_for port
    port=$(cat port)
    server=http://127.0.0.1:$port
}

stop_server() {
    if [ -n "${server_pid-}" ]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    server_pid=
}

# Whether somebody listens at a port of this machine.
answers() {
    python3 -c "import socket; socket.create_connection(('127.0.0.1', $1))" 2> /dev/null
}

# A port that nobody listens at: of those that a connection of ours never gets.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
