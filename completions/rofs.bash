# Completion of rofs for bash. What there is to complete the command says itself, in --help.
# shellcheck shell=bash

_rofs_verbs() {
	rofs --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  *[A-Za-z[].*/\1/p'
}

# _rofs_options VERB: its long options, those with a value ending in "=".
_rofs_options() {
	rofs "$1" --help 2>/dev/null | sed -n '/^Usage:/d; s/^  \(-., \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\2/p'
}

# _rofs_columns VERB: of its table.
_rofs_columns() {
	rofs "$1" --help 2>/dev/null | sed -n '/^Columns:/,/^$/s/^  \([A-Z%]*\) .*/\1/p'
}

# _rofs_reply WORD CANDIDATE...
_rofs_reply() {
	local word=$1 candidate
	shift
	for candidate; do
		[[ $candidate == "$word"* ]] && COMPREPLY+=("$candidate")
	done
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == --*= ]] && compopt -o nospace 2>/dev/null
	return 0
}

_rofs_directories() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -d -- "$1")
}

# _rofs_value VERB OPTION WORD: after an "=".
_rofs_value() {
	local columns
	case $1:$2 in
	plan:--output | *:--root) _rofs_directories "$3" ;;
	*:--output)
		mapfile -t columns < <(_rofs_columns "$1")
		local before=
		[[ $3 == *,* ]] && before=${3%,*},
		_rofs_reply "$3" "${columns[@]/#/$before}"
		;;
	diff:--sort) _rofs_reply "$3" size ;;
	esac
}

_rofs() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb='' i candidates
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} != -* ]]; then
			verb=${COMP_WORDS[i]}
			break
		fi
	done

	if [[ -z $verb ]]; then
		mapfile -t candidates < <(_rofs_verbs)
		_rofs_reply "$word" "${candidates[@]}" --help --version
	elif [[ $word == = ]]; then # bash takes it for a word
		_rofs_value "$verb" "$before" ''
	elif [[ $before == = ]]; then
		_rofs_value "$verb" "${COMP_WORDS[COMP_CWORD-2]}" "$word"
	elif [[ $word == -* ]]; then
		mapfile -t candidates < <(_rofs_options "$verb")
		_rofs_reply "$word" "${candidates[@]}"
	elif rofs "$verb" --help 2>/dev/null | grep -q '^Usage:.*PATH'; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _rofs rofs
