#compdef rofs
# Completion of rofs for zsh. What there is to complete the command says itself, in --help.

# _rofs_help PATTERN [VERB]: in reply, the lines of its help that match. Without a pipe to sed: a run
# of the tests has once waited a minute for zsh with one in a substitution.
_rofs_help() {
	local pattern=$1
	shift
	reply=(${(M)${(f)"$(rofs "$@" --help 2>/dev/null)"}:#$~pattern})
}

_rofs_verbs() {
	local -a reply verbs
	local line
	_rofs_help '  [a-z]*'
	for line in $reply; do
		verbs+=("${${line#  }%% *}:${line##*  }")
	done
	_describe -t commands 'rofs command' verbs
}

_rofs_options() {
	local -a reply options
	_rofs_help '  (-?, |)--[a-z]*' $1
	options=(${${${reply#  }#-?, }%%[^a-z=-]*})
	compadd -S '' -M 'r:|=*' -- ${(M)options:#*=}
	compadd -- ${options:#*=}
}

_rofs() {
	local -a reply
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
	diff:--sort=*)
		compset -P '*='
		compadd -- size
		;;
	*:--root=* | plan:--output=*)
		compset -P '*='
		_files -/
		;;
	*:--output=*)
		compset -P '*[=,]'
		_rofs_help '  [A-Z]*' $verb
		compadd -S '' -- ${${reply#  }%% *}
		;;
	*:-*) _rofs_options $verb ;;
	*)
		_rofs_help 'Usage:*PATH*' $verb
		if (($#reply)); then
			_files
		fi
		;;
	esac
}

_rofs "$@"
