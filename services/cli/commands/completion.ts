import type { Command } from "commander";
import { Argument } from "commander";
import { withExamples } from "../options/examples.ts";
import type { Io } from "../terminal/io.ts";

/**
 * What a shell is told once. It asks `kato __complete` (complete.ts) for the words that may come next, and completes
 * the names of files where there are none.
 */
const scripts = {
  bash: `_kato() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _kato kato`,
  zsh: `#compdef kato
_kato() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[*]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _kato kato`,
  fish: `function __kato_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c kato -a '(__kato_complete)'`,
} as const;

const shells = Object.keys(scripts) as (keyof typeof scripts)[];

/** `kato completion`: what completes command lines with the tabulator. */
export function register(program: Command, io: Io): void {
  withExamples(
    program
      .command("completion")
      .description('complete command lines; in ~/.bashrc: eval "$(kato completion bash)"')
      .addArgument(new Argument("<shell>", "whose").choices(shells))
      .action((shell: keyof typeof scripts) => io.out.write(`${scripts[shell]}\n`)),
    "kato completion bash",
  );
}
