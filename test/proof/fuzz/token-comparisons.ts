import ts from 'typescript'

/** A file of the package. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** The one file that may compare tokens, and how it may. */
const HOME = 'lib/registration/hs-token.ts'
const DIGEST = "{ return hash('sha256', token, 'buffer') }"
/** Names under which tokens are known everywhere. */
const HOLDERS = ['hs_token', 'hsToken', 'authorization', 'queryTokens', 'access_token']
/** What these return depends on a token, and is none: a verdict, or what a server answered. */
const VERDICTS = new Set([
  ...['timingSafeEqual', 'createTokenCheck', 'checkToken', 'denyToken', 'post'],
])
const COMPARING_METHODS = new Set([
  ...['includes', 'startsWith', 'endsWith', 'indexOf', 'lastIndexOf', 'localeCompare'],
  ...[
    'match',
    'matchAll',
    'search',
    'test',
    'exec',
    'equals',
    'compare',
    'is',
    'has',
    'get',
  ],
  ...['find', 'findIndex', 'isDeepStrictEqual', 'deepEqual', 'strictEqual', 'split'],
])
const COMPARING_OPERATORS = new Set([
  ...[ts.SyntaxKind.EqualsEqualsToken, ts.SyntaxKind.EqualsEqualsEqualsToken],
  ...[ts.SyntaxKind.ExclamationEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken],
  ...[ts.SyntaxKind.LessThanToken, ts.SyntaxKind.LessThanEqualsToken],
  ...[ts.SyntaxKind.GreaterThanToken, ts.SyntaxKind.GreaterThanEqualsToken],
  ts.SyntaxKind.InKeyword,
])
/** Comparisons with what everybody knows, or of how many there are. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  'lib/registration/registration.ts': [
    "hs_token === ''",
    'hs_token === TOKEN_PLACEHOLDER',
  ],
  [HOME]: [
    'tokens.length === 0',
    'authorization.length <= 1',
    'queryTokens.length <= 1',
    'BEARER.test(value)',
  ],
}

/** Every place where a token is compared in another way than by the digests of `HOME`. */
export function findTokenComparisons(sources: readonly Source[]): string[] {
  const problems = sources.flatMap(source => new File(source).problems())
  const home = sources.find(({ path }) => path === HOME)
  if (home === undefined || !/\btimingSafeEqual\(/.test(home.text))
    problems.push(`${HOME}: timingSafeEqual is not called`)
  return problems
}

class File {
  readonly #path: string
  readonly #tree: ts.SourceFile
  readonly #nodes: ts.Node[] = []
  /** Names that hold a token, or a digest of one, in this file. */
  readonly #holders = new Set(HOLDERS)

  constructor({ path, text }: Source) {
    this.#path = path
    this.#tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    const collect = (node: ts.Node) => {
      this.#nodes.push(node)
      ts.forEachChild(node, collect)
    }
    collect(this.#tree)
    let known: number
    do {
      known = this.#holders.size
      for (const node of this.#nodes) this.#follow(node)
    } while (this.#holders.size > known)
  }

  problems(): string[] {
    return this.#nodes.flatMap(node => {
      const problem = this.#judgeConstantTime(node) ?? this.#judgeComparison(node)
      return problem === undefined
        ? []
        : [`${this.#path}: ${problem}: ${this.#print(node)}`]
    })
  }

  #print(node: ts.Node): string {
    return node.getText(this.#tree).replace(/\s+/g, ' ').slice(0, 80)
  }

  /** Notes the names that come to hold what another holds. */
  #follow(node: ts.Node): void {
    if (ts.isBindingElement(node)) {
      const from = node.propertyName ?? node.name
      if (this.#holds(from)) this.#hold(node.name)
    } else if (ts.isVariableDeclaration(node) && this.#holds(node.initializer)) {
      this.#hold(node.name)
    } else if (ts.isForOfStatement(node) && this.#holds(node.expression)) {
      if (ts.isVariableDeclarationList(node.initializer))
        for (const { name } of node.initializer.declarations) this.#hold(name)
    } else if (ts.isBinaryExpression(node) && this.#holds(node.right)) {
      if (node.operatorToken.kind === ts.SyntaxKind.EqualsToken) this.#hold(node.left)
    } else if (ts.isCallExpression(node)) this.#followCall(node)
  }

  #followCall({ expression, arguments: given }: ts.CallExpression): void {
    if (ts.isPropertyAccessExpression(expression)) {
      const receiver = expression.expression
      if (expression.name.text === 'push' && given.some(one => this.#holds(one)))
        this.#hold(receiver)
      if (!this.#holds(receiver)) return
      for (const one of given)
        if (ts.isArrowFunction(one)) this.#holdParameters(one, () => true)
      return
    }
    const called = this.#nodes.find(
      node =>
        ts.isFunctionDeclaration(node) && node.name?.text === this.#print(expression),
    )
    if (called !== undefined && ts.isFunctionDeclaration(called))
      this.#holdParameters(called, at => this.#holds(given[at]))
  }

  #holdParameters(
    { parameters }: ts.SignatureDeclaration,
    isHolder: (at: number) => boolean,
  ): void {
    for (const [at, { name }] of parameters.entries()) if (isHolder(at)) this.#hold(name)
  }

  #hold(name: ts.Node): void {
    if (ts.isIdentifier(name)) this.#holders.add(name.text)
    else if (ts.isArrayBindingPattern(name))
      for (const one of name.elements) if (ts.isBindingElement(one)) this.#hold(one.name)
  }

  /** Whether a token, or a digest of one, is what the expression comes to, or in it. */
  #holds(node: ts.Node | undefined): boolean {
    if (node === undefined || ts.isTypeOfExpression(node) || ts.isTypeNode(node))
      return false
    if (ts.isIdentifier(node)) return this.#holders.has(node.text)
    if (ts.isPropertyAssignment(node)) return this.#holds(node.initializer)
    if (ts.isFunctionLike(node)) return false
    if (ts.isCallExpression(node) && VERDICTS.has(this.#called(node))) return false
    return ts.forEachChild(node, child => this.#holds(child) || undefined) ?? false
  }

  #called({ expression }: ts.CallExpression): string {
    return ts.isPropertyAccessExpression(expression)
      ? expression.name.text
      : this.#print(expression)
  }

  #judgeConstantTime(node: ts.Node): string | undefined {
    const isHome = this.#path === HOME
    if (ts.isFunctionDeclaration(node) && node.name?.text === 'digest' && isHome) {
      const body = node.body === undefined ? '' : this.#print(node.body)
      return body === DIGEST ? undefined : 'the digest is not the one that was looked at'
    }
    if (!ts.isIdentifier(node) || node.text !== 'timingSafeEqual') return undefined
    if (!isHome) return 'timingSafeEqual is used elsewhere'
    if (ts.isImportSpecifier(node.parent)) return undefined
    if (!ts.isCallExpression(node.parent))
      return 'timingSafeEqual is not called by its name'
    const areDigests = node.parent.arguments.every(one => this.#isDigest(one))
    return areDigests ? undefined : 'not digests are compared'
  }

  #isDigest(node: ts.Expression): boolean {
    if (ts.isCallExpression(node)) return this.#called(node) === 'digest'
    const declared = this.#nodes.filter(
      other =>
        ts.isVariableDeclaration(other) && this.#print(other.name) === this.#print(node),
    )
    return (
      declared.length === 1 &&
      declared.every(
        one =>
          ts.isVariableDeclaration(one) &&
          one.initializer !== undefined &&
          ts.isCallExpression(one.initializer) &&
          this.#called(one.initializer) === 'digest',
      )
    )
  }

  #judgeComparison(node: ts.Node): string | undefined {
    const compared = this.#compared(node)
    if (!compared.some(one => this.#holds(one))) return undefined
    if (HARMLESS[this.#path]?.includes(this.#print(node)) === true) return undefined
    return 'a token is compared'
  }

  /** What a node compares, if it does. */
  #compared(node: ts.Node): readonly ts.Node[] {
    if (ts.isBinaryExpression(node) && COMPARING_OPERATORS.has(node.operatorToken.kind))
      return [node.left, node.right]
    if (ts.isSwitchStatement(node) || ts.isCaseClause(node)) return [node.expression]
    if (ts.isElementAccessExpression(node)) return [node.argumentExpression]
    if (!ts.isCallExpression(node)) return []
    if (!COMPARING_METHODS.has(this.#called(node))) return []
    return [node.expression, ...node.arguments]
  }
}
