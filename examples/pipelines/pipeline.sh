#!/usr/bin/env bash
# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# pipeline.sh plan|apply|drift [ARGUMENT...]: what a pipeline does; arguments go to ansible-playbook.
# The files for GitHub and GitLab beside it only say when.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Whatever a run finds, does or leaves undone is in the folder defender_iot_report.

# For a pull request; report.md is the comment.
plan() {
    ansible-lint --offline
    # The arguments of the roles alone; no appliance is asked.
    ansible-playbook otsec.defender_iot.fortinet otsec.defender_iot.forescout --tags always "$@"
    molecule test
    ansible-playbook otsec.defender_iot.site --check --diff -e @rollout.yml "$@"
}

# After a merge; to resume: pipeline.sh apply --limit @defender_iot_report/retry
apply() {
    ansible-playbook otsec.defender_iot.site --diff -e @rollout.yml "$@"
}

# Every night; leaves with 0 if all is as declared, 2 if something is not, 4 if something could not be seen.
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
