#compdef boxcar
# zsh completion for boxcar; "boxcar completion --help" says where to put it.
_boxcar() {
  local line
  local -a candidates
  for line in "${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      @files) _files ;;
      @folders) _files -/ ;;
      @tasks) _files -g '*.(yml|yaml|json)' ;;
      ?*) candidates+=("${${line//:/\\:}/$'\t'/:}") ;;
    esac
  done
  (( $#candidates )) && _describe boxcar candidates
}

# The file is either a function of $fpath, or read by "source".
if [[ $funcstack[1] == _boxcar ]]; then _boxcar "$@"; else compdef _boxcar boxcar; fi
