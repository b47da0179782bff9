# bash completion for boxcar; "boxcar completion --help" says where to put it.
_boxcar() {
  local line word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      @files) _boxcar_paths compgen -f -- "$word" ;;
      @folders) _boxcar_paths compgen -d -- "$word" ;;
      @tasks)
        _boxcar_paths compgen -d -- "$word"
        _boxcar_paths compgen -f -X '!*.y*ml' -- "$word"
        _boxcar_paths compgen -f -X '!*.json' -- "$word"
        ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

_boxcar_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <("$@")
}

complete -F _boxcar boxcar
