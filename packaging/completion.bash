# bash completion for windrow. Commands and flags are those that `--help` names, so this file knows
# neither; it only knows what some of their values are.

# The commands below "$@", or its flags with `flags` first.
_windrow_help() {
  local what=$1
  shift
  "$@" --help 2>/dev/null | if [[ $what == flags ]]; then
    sed -n 's/^  \(-h,\)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p'
  else
    sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
  fi
}

_windrow() {
  local current previous words cword
  _get_comp_words_by_ref -n =: -c current -p previous -w words -i cword
  COMPREPLY=()
  compopt +o default

  case $previous in
    --data)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --tls-cert | --tls-key | --tls-client-ca | --ca-file | --token-file | --connect | --input)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --role)
      mapfile -t COMPREPLY < <(compgen -W 'reader writer admin' -- "$current")
      return
      ;;
    --to)
      mapfile -t COMPREPLY < <(compgen -W 'earliest latest' -- "$current")
      return
      ;;
  esac

  # The command so far: the names of commands that stand before the cursor.
  local command=("${words[0]/#\~/$HOME}") word known
  known=$(_windrow_help commands "${command[@]}")
  for word in "${words[@]:1:cword-1}"; do
    [[ -n $known && $'\n'$known$'\n' == *$'\n'"$word"$'\n'* ]] || continue
    command+=("$word")
    known=$(_windrow_help commands "${command[@]}")
  done

  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_windrow_help flags "${command[@]}")" -- "$current")
  elif [[ -n $known ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$known" -- "$current")
  elif [[ ${command[1]-} == check || ${command[1]-} == run ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -f -X '!*.@(yaml|yml)' -- "$current")
  fi
}

complete -F _windrow windrow
