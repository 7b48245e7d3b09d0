# SPDX-License-Identifier: MIT
# background: loaded ahead of all tests of a file that start runs in the background:
# what one that failed has left there is ended.

setup() {
    load helper
    load events
}

teardown() {
    end_background
}
