# bash completion of rcl: asks rcl itself. Load it with: source <(rcl completions bash)
_rcl_complete_words() {
    local IFS=$'\n'
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete-words bash --breaks "$COMP_WORDBREAKS" \
        --line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
    if [ "${COMPREPLY[0]}" = ":files" ]; then
        COMPREPLY=()
        compopt -o default
    elif [ "${#COMPREPLY[@]}" -eq 1 ] && [ -z "${COMPREPLY[0]}" ]; then
        COMPREPLY=()
    fi
}
complete -F _rcl_complete_words rcl
