# SPDX-License-Identifier: MIT
# served: loaded ahead of all tests of a file: each has an HTTP server of its own.

setup() {
    load helper
    load events
    load server
    start_server
}

teardown() {
    stop_server
    end_background
}
