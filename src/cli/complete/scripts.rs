//! The scripts that make shells ask `rcl`. They hold no word of ours, so they are right for every version.

/// The words of a command line in bash are parted at `:` and `=`, too: so it gets the line, and gives the rest of the word.
const BASH: &str = r#"# bash completion of rcl: asks rcl itself. Load it with: source <(rcl completions bash)
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
"#;

const ZSH: &str = r#"#compdef rcl
# zsh completion of rcl: asks rcl itself. Put it into a folder of $fpath as _rcl, or: source <(rcl completions zsh)
_rcl() {
    local line
    local -a found
    for line in "${(@f)$("${words[1]}" complete-words zsh -- "${(@Q)words[1,CURRENT]}" 2>/dev/null </dev/null)}"; do
        [[ -z "$line" ]] && continue
        if [[ "$line" == ":files" ]]; then
            _files
            return
        fi
        if [[ "$line" == *$'\t'* ]]; then
            found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
            found+=("${line//:/\\:}")
        fi
    done
    _describe 'rcl' found
}
if [ "$funcstack[1]" = "_rcl" ]; then
    _rcl "$@"
else
    compdef _rcl rcl
fi
"#;

const FISH: &str = r#"# fish completion of rcl: asks rcl itself. Load it with: rcl completions fish | source
function __rcl_complete_words
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] complete-words fish -- $words 2>/dev/null </dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        string match -rv '^$' -- $found
    end
end
complete -c rcl -f -a '(__rcl_complete_words)'
"#;

/// `None` where the shell gets a list of words instead.
pub fn script(shell: clap_complete::Shell) -> Option<&'static str> {
    match shell {
        clap_complete::Shell::Bash => Some(BASH),
        clap_complete::Shell::Zsh => Some(ZSH),
        clap_complete::Shell::Fish => Some(FISH),
        _ => None,
    }
}
