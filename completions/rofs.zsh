#compdef rofs
# Completion of rofs for zsh. What there is to complete the command says itself, in --help.

_rofs_verbs() {
	local -a verbs
	verbs=(${(f)"$(rofs --help 2>/dev/null |
		sed -n 's/^  \([a-z][a-z]*\)  *.*[]A-Z]  *\([a-z].*\)/\1:\2/p')"})
	_describe -t commands 'rofs command' verbs
}

_rofs_options() {
	local -a options
	options=(${(f)"$(rofs $1 --help 2>/dev/null |
		sed -n 's/^  \(--[a-z-]*=\{0,1\}\).*/\1/p')"})
	compadd -S '' -M 'r:|=*' -- ${(M)options:#*=}
	compadd -- ${options:#*=}
}

_rofs() {
	local verb
	if ((CURRENT == 2)); then
		if [[ $PREFIX == -* ]]; then
			compadd -- --help --version
		else
			_rofs_verbs
		fi
		return
	fi

	verb=$words[2]
	case $verb:$PREFIX in
	status:--output=*)
		compset -P '*[=,]'
		compadd -S '' -- ${(f)"$(rofs status --help 2>/dev/null |
			sed -n '/^Columns:/,/^$/s/^  \([A-Z%]*\) .*/\1/p')"}
		;;
	diff:--sort=*)
		compset -P '*='
		compadd -- size
		;;
	*:--root=* | plan:--output=*)
		compset -P '*='
		_files -/
		;;
	*:-*) _rofs_options $verb ;;
	*)
		if rofs $verb --help 2>/dev/null | grep -q '^Usage:.*PATH'; then
			_files
		fi
		;;
	esac
}

_rofs "$@"
