#!/bin/sh
# placeholder
exit 3
