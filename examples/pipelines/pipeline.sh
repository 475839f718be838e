#!/usr/bin/env bash
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# pipeline.sh plan|apply|drift [ARGUMENT...]: the steps of a pipeline; arguments are passed to ansible-playbook.
# The files for GitHub and GitLab in this folder only define when it runs.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Every run writes its report to the folder defender_iot_report.

# For a pull request; report.md becomes the comment.
plan() {
    ansible-lint --offline
    molecule test
    ansible-playbook otsec.defender_iot.site --check --diff -e @rollout.yml "$@"
}

# After a merge. To resume: pipeline.sh apply --limit @defender_iot_report/retry
apply() {
    ansible-playbook otsec.defender_iot.site --diff -e @rollout.yml "$@"
}

# Every night. Exit code 0: no drift. 2: drift. 4: at least one appliance was not checked.
drift() {
    ansible-playbook otsec.defender_iot.drift --diff "$@"
}

case ${1:-} in
plan | apply | drift) "$@" ;;
*)
    echo "usage: ${0##*/} plan|apply|drift [ARGUMENT...]" >&2
    exit 64
    ;;
esac
